import { SECRETS } from './secrets.ts';
import type { Hit, Pack, Rule } from './rule.ts';
import { matches, shown } from './text.ts';

const SECRET_FILE =
  /(?:^|\/)(?:\.env(?:\..+)?|\.npmrc|\.pypirc|\.netrc|\.git-credentials|\.htpasswd|id_(?:rsa|dsa|ecdsa|ed25519)|credentials(?:\.json)?|.+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk))$/iu;
const INSTALL_FILE =
  /(?:^|\/)(?:binding\.gyp|setup\.py|setup\.cfg|Makefile|\.gitmodules|.+\.(?:sh|bash|bat|cmd|ps1))$/iu;
const INSTALL_HOOK =
  /"(?:preinstall|install|postinstall|prepublish|prepare|prepack|preuninstall|postuninstall)"\s*:/gu;

/** First bytes of programs and libraries: ELF, PE, Mach-O in its five forms, an archive of objects. */
const BINARIES: ReadonlyMap<string, string> = new Map([
  ['7f454c46', 'ELF'],
  ['4d5a', 'Windows'],
  ['feedface', 'Mach-O'],
  ['feedfacf', 'Mach-O'],
  ['cefaedfe', 'Mach-O'],
  ['cffaedfe', 'Mach-O'],
  ['cafebabe', 'Mach-O or Java'],
  ['213c617263683e', 'object archive'],
]);
const WASM = '0061736d';
const LARGE_BYTES = 5 * 1024 * 1024;

const startsWith = (bytes: Uint8Array, hex: string): boolean =>
  Buffer.from(bytes.subarray(0, hex.length / 2)).toString('hex') === hex;

const binaryKind = (bytes: Uint8Array): string | null =>
  [...BINARIES].find(([start]) => startsWith(bytes, start))?.[1] ?? null;

function* named(pack: Pack, pattern: RegExp, message: string): Generator<Hit> {
  for (const file of pack.files.keys()) if (pattern.test(file)) yield { file, message };
}

function* binaries(pack: Pack): Generator<Hit> {
  yield* named(pack, /\.py[co]$/iu, 'is compiled Python');
  for (const [file, bytes] of pack.files) {
    const kind = binaryKind(bytes);
    if (kind !== null) yield { file, message: `is machine code (${kind})` };
  }
}

export const FILE_RULES: readonly Rule[] = [
  {
    id: 'secret-file',
    severity: 'error',
    doc: 'A file of this name usually holds a key or password, and what is published stays for ever.',
    cure: 'Leave the file out; if the secret was ever published, replace it.',
    find: (pack) => named(pack, SECRET_FILE, 'looks like a file of secrets'),
  },
  {
    id: 'secret-text',
    severity: 'error',
    doc: 'Keys and tokens in a pack are public from the moment it is published.',
    cure: 'Take it out and replace it where it was issued; let users give theirs as { "$secret": "name" }.',
    *find({ texts }) {
      for (const [file, text] of texts) {
        for (const { what, pattern } of SECRETS) {
          // The secret itself is never in a message.
          for (const { line } of matches(text, pattern))
            yield { file, line, message: `holds ${what}` };
        }
      }
    },
  },
  {
    id: 'file-hidden',
    severity: 'review',
    doc: 'A hidden file is easily published by mistake and rarely looked at.',
    cure: 'Leave it out, or give it a name without a dot in front.',
    find: (pack) =>
      named(
        pack,
        /(?:^|\/)\.(?!env|npmrc|pypirc|netrc|git-credentials|htpasswd|gitmodules)/u,
        'is hidden',
      ),
  },
  {
    id: 'install-remnant',
    severity: 'error',
    doc: 'Nothing of a plugin runs when it is installed, so what looks like an install script is a mistake or bait.',
    cure: 'Leave scripts and build files out of the pack.',
    *find(pack) {
      yield* named(pack, INSTALL_FILE, 'is an install or shell script');
      for (const [file, text] of pack.texts) {
        if (!/(?:^|\/)package\.json$/u.test(file)) continue;
        for (const { line } of matches(text, INSTALL_HOOK))
          yield { file, line, message: 'declares an install hook' };
      }
    },
  },
  {
    id: 'native-in-isolate',
    severity: 'error',
    doc: 'An isolate runs JavaScript only; machine code in its pack serves nothing good.',
    cure: 'Leave it out, or say runtime: process and why in the README.',
    find: (pack) => (pack.manifest.runtime === 'isolate' ? binaries(pack) : []),
  },
  {
    id: 'native-code',
    severity: 'review',
    doc: 'Machine code can’t be read; a person decides whether its origin is believed.',
    cure: 'Say in the README where it comes from and how to build it again.',
    find: (pack) => (pack.manifest.runtime === 'isolate' ? [] : binaries(pack)),
  },
  {
    id: 'wasm-in-isolate',
    severity: 'error',
    doc: 'Isolates have no WebAssembly.',
    cure: 'Use runtime: process, or the JavaScript form of the library.',
    *find({ manifest, files }) {
      if (manifest.runtime !== 'isolate') return;
      for (const [file, bytes] of files)
        if (startsWith(bytes, WASM)) yield { file, message: 'is WebAssembly' };
    },
  },
  {
    id: 'file-large',
    severity: 'advice',
    doc: 'Large packs are slow to install and start.',
    cure: 'Leave out what users do not need.',
    *find({ files }) {
      for (const [file, { length }] of files) {
        if (length < LARGE_BYTES) continue;
        yield { file, message: `has ${String(Math.round(length / 1024 / 1024))} MB` };
      }
    },
  },
  {
    id: 'text-unscanned',
    severity: 'error',
    doc: 'What can’t be looked at can hide anything.',
    cure: 'Write code as UTF-8 without NUL, and publish less of it: 8 MB of code and 16 MB of text are looked at.',
    *find({ unscanned }) {
      for (const file of unscanned) yield { file, message: 'was not looked into' };
    },
  },
  {
    id: 'text-direction',
    severity: 'error',
    doc: 'Characters that turn text around make code read otherwise than it runs (CVE-2021-42574).',
    cure: 'Remove them; in texts for people write them as \\u escapes.',
    *find({ texts }) {
      for (const [file, text] of texts) {
        for (const { line, match } of matches(text, /[\u202A-\u202E\u2066-\u2069]/gu)) {
          const code = shown(match[0].codePointAt(0)?.toString(16).toUpperCase() ?? '');
          yield { file, line, message: `holds the character U+${code}` };
        }
      }
    },
  },
];
