import type { Signer } from '@sigstore/sign';
import { HubError } from '../contract/index.ts';

/** How a CI job shows who it is: an OIDC token, exchanged for a certificate of ten minutes (Sigstore, keyless). */
export interface OidcLogin {
  readonly fulcioUrl: string;
  readonly idToken: string;
}

/** Signs with a key that lives for one signature. Its errors say nothing of the token, which the library's would quote. */
export async function oidcSigner({ fulcioUrl, idToken }: OidcLogin): Promise<Signer> {
  if (!isJwt(idToken)) throw refused('the ID token is no JSON Web Token');
  const { FulcioSigner } = await import('@sigstore/sign');
  const signer = new FulcioSigner({
    fulcioBaseURL: fulcioUrl,
    identityProvider: { getToken: async () => await Promise.resolve(idToken) },
    retry: 0,
    timeout: 10_000,
  });
  return {
    sign: async (data) => {
      try {
        return await signer.sign(data);
      } catch (error) {
        // No cause: it may hold the token.
        throw refused(reasonOf(error));
      }
    },
  };
}

function isJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/u.test(token);
}

/** The library's code and, where there is one, the status of the answer: none of them is text from outside. */
function reasonOf(error: unknown): string {
  const field = (value: unknown, name: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  const [code, status] = [field(error, 'code'), field(field(error, 'cause'), 'statusCode')];
  const known = typeof code === 'string' && /^[A-Z_]{1,64}$/u.test(code) ? code : 'unknown reason';
  return typeof status === 'number' ? `${known}, status ${String(status)}` : known;
}

function refused(detail: string): HubError<'SIGNATURE_CERTIFICATE_REFUSED'> {
  return new HubError('SIGNATURE_CERTIFICATE_REFUSED', { detail });
}
