import { hash, sign, verify, type KeyObject } from 'node:crypto';
import { HubError } from '../../contract/index.ts';

/** Who signs a log: its origin, which is also the name on its notes, and an Ed25519 key. */
export interface LogSigner {
  readonly origin: string;
  readonly privateKey: KeyObject;
}

/** Whom a reader believes for a log. */
export interface LogKey {
  readonly origin: string;
  readonly publicKey: KeyObject;
}

/** Identity of a log's key: SHA-256 over origin, newline, 0x01 and the raw key; its first four bytes are the C2SP key id. */
export function logId({ origin, publicKey }: LogKey): Buffer {
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  return hash('sha256', Buffer.concat([Buffer.from(`${origin}\n`), Buffer.of(1), raw]), 'buffer');
}

/** One line of signature under a text whose last character is a newline (C2SP signed-note). */
export function signNote(text: string, { origin, privateKey }: LogSigner, id: Uint8Array): string {
  const signature = Buffer.concat([id.subarray(0, 4), sign(null, Buffer.from(text), privateKey)]);
  return `${text}\n— ${origin} ${signature.toString('base64')}\n`;
}

const MAX_NOTE_BYTES = 16 * 1024;
const LINE = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u;

/**
 * The text of a note that this log's key signed; other signatures, such as witnesses', are left alone. Throws
 * LOG_CHECKPOINT_MALFORMED, LOG_KEY_MISMATCH (nothing by this key) or LOG_CHECKPOINT_FORGED.
 */
export function openNote(note: string, key: LogKey): string {
  const { text, signatures } = parseNote(note, key.origin);
  const id = logId(key).subarray(0, 4);
  const own = signatures.filter((it) => it.name === key.origin && it.id.equals(id));
  if (own.length === 0) throw new HubError('LOG_KEY_MISMATCH', { origin: key.origin });
  const bytes = Buffer.from(text);
  if (own.every((it) => verify(null, bytes, key.publicKey, it.signature))) return text;
  throw new HubError('LOG_CHECKPOINT_FORGED', { origin: key.origin });
}

interface Note {
  readonly text: string;
  readonly signatures: readonly {
    readonly name: string;
    readonly id: Buffer;
    readonly signature: Buffer;
  }[];
}

/** A note's text and signatures, none of them believed yet. */
function parseNote(note: string, origin: string): Note {
  const refuse = (detail: string): HubError =>
    new HubError('LOG_CHECKPOINT_MALFORMED', { origin, detail });
  if (Buffer.byteLength(note) > MAX_NOTE_BYTES) throw refuse('it is over 16 kB');
  // eslint-disable-next-line no-control-regex -- the format forbids them
  if (/[\u0000-\u0009\u000b-\u001f]/u.test(note)) throw refuse('it holds control characters');
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || end !== note.indexOf('\n\n') || !note.endsWith('\n'))
    throw refuse('it is no signed note');
  const lines = note.slice(end + 2, -1).split('\n');
  const signatures = lines.map((line) => {
    const [, name = '', base64 = ''] = LINE.exec(line) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length < 5) throw refuse('a signature line has another form');
    return { name, id: bytes.subarray(0, 4), signature: bytes.subarray(4) };
  });
  return { text: note.slice(0, end + 1), signatures };
}
