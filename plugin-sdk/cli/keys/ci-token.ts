import { HubError } from '../../contract/index.ts';

const PATIENCE_MS = 10_000;
const MAX_TOKEN = 16_384;

/**
 * The OIDC token of this CI job, for the audience `audience`: SIGSTORE_ID_TOKEN as it is, or GitHub's, asked for at
 * ACTIONS_ID_TOKEN_REQUEST_URL. Throws TOKEN_MISSING outside of CI, TOKEN_EXCHANGE_REFUSED when the CI gives none.
 */
export async function ciToken(audience = 'sigstore'): Promise<string> {
  const given = process.env['SIGSTORE_ID_TOKEN'];
  if (given !== undefined) return given;
  const address = process.env['ACTIONS_ID_TOKEN_REQUEST_URL'];
  const token = process.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
  if (address === undefined || token === undefined) throw new HubError('TOKEN_MISSING', {});
  const url = new URL(address);
  url.searchParams.set('audience', audience);
  const response = await fetch(url, {
    headers: { authorization: `bearer ${token}`, accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => null);
  const value: unknown = response?.ok === true ? await response.json().catch(() => null) : null;
  const found =
    typeof value === 'object' && value !== null && 'value' in value ? value.value : null;
  if (typeof found === 'string' && found.length <= MAX_TOKEN) return found;
  // Neither answer nor cause: both may quote the token.
  throw new HubError('TOKEN_EXCHANGE_REFUSED', { reason: 'the CI gave no ID token' });
}
