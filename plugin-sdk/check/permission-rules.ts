import {
  CAPABILITIES,
  capabilityText,
  type CapabilityName,
  type Permission,
} from '../contract/index.ts';
import { moduleAt, type Use } from './code.ts';
import { MANIFEST, asksFor, type Hit, type Pack, type Rule } from './rule.ts';
import { matches, shown } from './text.ts';

const MIN_REASON = 12;

/** A target that leaves nothing out, or nearly. */
function isWide({ capability, target }: Permission): boolean {
  const { target: kind } = CAPABILITIES[capability];
  if (kind === 'any') return false;
  if (target === '*' || target === 'window=*') return true;
  if (kind === 'path')
    return /^(?:\/|~|~\/)?(?:[^/]*\/){0,1}\*\*$/u.test(target) || /^(?:\/\*|~\/\*)$/u.test(target);
  if (kind !== 'host' && kind !== 'secret') return false;
  // Everything below a top-level domain.
  return /(?:^|@|\/\/)\*(?:\.[^.:/]+)?(?::\d+)?$/u.test(target);
}

function usesOf({ code }: Pack): readonly (Use & { readonly file: string })[] {
  return code.flatMap(({ file, uses }) => uses.map((use) => ({ ...use, file })));
}

/** Capabilities that the code names, in JavaScript by its calls, in Python by its texts. */
function named(pack: Pack): ReadonlySet<string> {
  const names = new Set<string>(usesOf(pack).map((it) => it.capability));
  for (const [file, code] of pack.python) {
    const text = pack.texts.get(file) ?? '';
    for (const { match } of matches(text, /["']([a-z]+(?:\.[a-z]+)?)["']/gu))
      names.add(match[1] ?? '');
    for (const { match } of matches(code, /\.(state|blobs)\b/gu)) names.add(match[1] ?? '');
    if (text.includes('$secret')) names.add('secrets.use');
  }
  if (pack.code.some(({ text }) => /\$secret\b/u.test(text))) names.add('secrets.use');
  return names;
}

/** The broker serves these to everybody who asks, or without asking; to leave one unused harms nobody. */
const HARMLESS: readonly CapabilityName[] = ['log', 'clock', 'random', 'state', 'blobs'];

function* perPermission(pack: Pack, say: (it: Permission) => string | null): Generator<Hit> {
  for (const permission of pack.manifest.permissions) {
    const message = say(permission);
    if (message !== null)
      yield { file: MANIFEST, message: `${shown(capabilityText(permission), 120)}: ${message}` };
  }
}

export const PERMISSION_RULES: readonly Rule[] = [
  {
    id: 'permission-missing',
    severity: 'error',
    doc: 'What the code uses and the manifest does not ask for is refused when it runs.',
    cure: 'Add the permission with its target and a reason, or take the use out.',
    *find(pack) {
      for (const { file, line, capability } of usesOf(pack)) {
        if (asksFor(pack, capability)) continue;
        const code = pack.code.find((it) => it.file === file);
        const module = code === undefined ? null : moduleAt(code, line);
        const from = module === null ? '' : ` (from ${shown(module, 120)})`;
        yield {
          file,
          line,
          message: `uses ${capability}, for which there is no permission${from}`,
        };
      }
    },
  },
  {
    id: 'permission-unused',
    severity: 'review',
    doc: 'A permission that nothing uses is an open door for the next version.',
    cure: 'Take it out of permissions; if the use is computed, write the capability’s name in the call.',
    *find(pack) {
      if (pack.code.some((it) => it.computedUses.length > 0)) return;
      const used = named(pack);
      yield* perPermission(pack, ({ capability }) =>
        used.has(capability) || HARMLESS.includes(capability)
          ? null
          : 'nothing in the code uses it',
      );
    },
  },
  {
    id: 'permission-computed',
    severity: 'advice',
    doc: 'A capability whose name is computed can’t be compared with the permissions.',
    cure: "Write the name in the call: context.call('net.http', …).",
    *find({ code }) {
      for (const { file, computedUses } of code)
        for (const { line } of computedUses)
          yield { file, line, message: 'calls a capability whose name is computed' };
    },
  },
  {
    id: 'permission-wide',
    severity: 'review',
    doc: 'A permission for everything is rarely needed and often refused.',
    cure: 'Name the hosts, folders, programs or windows; a workflow’s admin can’t narrow what he does not know.',
    find: (pack) => perPermission(pack, (it) => (isWide(it) ? 'allows nearly everything' : null)),
  },
  {
    id: 'permission-reason',
    severity: 'review',
    doc: 'The reason is what an admin reads before allowing something.',
    cure: 'Say in one sentence what the plugin does with it and when.',
    find: (pack) =>
      perPermission(pack, ({ reason, capability }) => {
        const words = reason.trim();
        if (words.length < MIN_REASON) return 'its reason says nothing';
        return words.toLowerCase() === capability ? 'its reason only repeats it' : null;
      }),
  },
];
