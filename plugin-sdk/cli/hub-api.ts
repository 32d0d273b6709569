import { request, type IncomingMessage } from 'node:http';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { HubError, errorOf, type ErrorReport, type Json } from '../contract/index.ts';

/** The data folder of the hub that is meant: the named one, $RUNTIME_HUB_DATA, else the default one. */
export function hubFolder(named: string | undefined): string {
  const share = process.env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share');
  return resolve(named ?? process.env['RUNTIME_HUB_DATA'] ?? join(share, 'runtime-hub'));
}

/** Loads an artifact without signature into a running hub, through the socket only its owner can open. Throws HUB_NOT_RUNNING, or what the hub says. */
export async function loadIntoHub(folder: string, artifact: string): Promise<Json> {
  const response = await post(join(folder, 'hub.sock'), '/api/v1/plugins/dev', {
    source: artifact,
  });
  if (response === null) throw new HubError('HUB_NOT_RUNNING', { folder });
  const body = await text(response);
  // SAFETY: the hub's own API answers JSON only.
  const value = (body === '' ? null : JSON.parse(body)) as Json;
  if ((response.statusCode ?? 500) < 400) return value;
  throw errorOf(value as unknown as ErrorReport);
}

/** Null when nobody listens. */
async function post(socketPath: string, path: string, body: Json): Promise<IncomingMessage | null> {
  return await new Promise((answer) => {
    const headers = { 'content-type': 'application/json' };
    const call = request({ socketPath, method: 'POST', path, headers, agent: false }, answer);
    call.on('error', () => answer(null));
    call.end(JSON.stringify(body));
  });
}
