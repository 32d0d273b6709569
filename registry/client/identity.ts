import { hash } from 'node:crypto';
import { Discovery, HubError } from '@runtime-hub/plugin-sdk/contract';
import type { Asked } from './asked.ts';
import { openExchange } from './open-exchange.ts';
import { parseReply } from './parse-reply.ts';

export interface IdentityPorts {
  readonly url: string;
  /** Where what was accepted of its root of trust is kept. */
  readonly folder: string;
  /** SHA-256, hex, of its TUF root or of its log's key, as whoever runs it gave it; null trusts what it shows now. */
  readonly fingerprint: string | null;
  /** How it is asked, where that is not over HTTP. */
  readonly exchange?: Asked;
  /** Told each file that its root of trust is made of, before anything of it is believed. */
  readonly onFile?: (path: string, bytes: Buffer) => void;
}

/**
 * Who answers at `url`: its root of trust vouches for its log's key, and is the one that the fingerprint names. Throws
 * REGISTRY_IDENTITY_MISMATCH, REGISTRY_METADATA_…, REGISTRY_UNREACHABLE.
 */
export async function identify(ports: IdentityPorts): Promise<Discovery> {
  const { url, folder, fingerprint, exchange = openExchange({ url }) } = ports;
  try {
    const seen = parseReply(Discovery, await exchange.get('/v1/'), url);
    const { origin, logKey, tufRootSha256 } = seen;
    const named = [tufRootSha256, hash('sha256', Buffer.from(logKey, 'base64'))];
    if (fingerprint !== null && !named.includes(fingerprint.toLowerCase()))
      throw mismatch(origin, `it shows the fingerprint ${tufRootSha256}`);
    // Heavy, and only of use when a registry is added.
    const { TufClient } = await import('../tuf/index.ts');
    const client = new TufClient({
      ...{ url: `${url}/v1/tuf`, folder, rootSha256: tufRootSha256 },
      fetch: async (address) => await found(exchange, address.slice(url.length), ports),
    });
    const root = (await client.targets(['trusted_root.json'])).get('trusted_root.json');
    if (root === undefined || !vouchesFor(root, seen))
      throw mismatch(origin, 'its root of trust does not vouch for its log’s key');
    return seen;
  } finally {
    exchange.close();
  }
}

async function found(
  exchange: Asked,
  path: string,
  { onFile }: IdentityPorts,
): Promise<{ status: number; body: ReadableStream<Uint8Array> | null }> {
  const { status, body } = await exchange.find(path);
  if (body === null || onFile === undefined) return { status, body };
  const bytes = Buffer.from(await new Response(body).arrayBuffer());
  onFile(path, bytes);
  return { status, body: new Blob([bytes]).stream() };
}

/** True when a trusted root (Sigstore JSON) names exactly this log. */
function vouchesFor(root: Buffer, { origin, logKey }: Discovery): boolean {
  // SAFETY: read with care; the root of trust signed it.
  const { tlogs = [] } = JSON.parse(root.toString('utf8')) as {
    readonly tlogs?: readonly { baseUrl?: string; publicKey?: { rawBytes?: string } }[];
  };
  return tlogs.some(
    (it) => it.baseUrl === `https://${origin}` && it.publicKey?.rawBytes === logKey,
  );
}

const mismatch = (registry: string, detail: string): HubError =>
  new HubError('REGISTRY_IDENTITY_MISMATCH', { registry, detail });
