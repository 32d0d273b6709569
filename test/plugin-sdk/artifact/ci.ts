import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  type CA,
  type CTLog,
} from '@sigstore/mock/dist/fulcio/index.js';
import { generateKeyPair } from '@sigstore/mock/dist/util/key.js';

export const WORKFLOW =
  'https://github.com/acme/ocr/.github/workflows/release.yml@refs/tags/v1.0.0';

/** What GitHub says of a job in its ID token; `san` becomes the certificate's subject. */
export const CLAIMS = {
  iss: 'https://token.actions.githubusercontent.com',
  sub: 'repo:acme/ocr:ref:refs/tags/v1.0.0',
  aud: 'sigstore',
  san: WORKFLOW,
  repository: 'acme/ocr',
  repository_id: '1001',
  repository_owner: 'acme',
  repository_owner_id: '2002',
  ref: 'refs/tags/v1.0.0',
};

/** Unsigned: the authority of the tests does not check it. */
export function tokenOf(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.c2lnbmF0dXJl`;
}

/** A certificate authority with its transparency log, as Fulcio is one. */
export interface Authority {
  readonly ca: CA;
  readonly ctLog: CTLog;
}

export async function authority({ isLogged = true } = {}): Promise<Authority> {
  const ctLog = await initializeCTLog(generateKeyPair('prime256v1'));
  const ca = await initializeCA(generateKeyPair('secp384r1'), isLogged ? ctLog : undefined);
  return { ca, ctLog };
}

/** Trusted root of that authority and of that certificate log, in Sigstore's JSON. */
export function rootFor({ ca }: Authority, { ctLog }: Authority): unknown {
  const base64 = (view: ArrayBufferView): string =>
    Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');
  const validFor = { start: '2020-01-01T00:00:00Z' };
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    certificateAuthorities: [
      {
        uri: 'https://fulcio.example',
        certChain: { certificates: [{ rawBytes: base64(ca.rootCertificate) }] },
        validFor,
      },
    ],
    ctlogs: [
      {
        baseUrl: 'https://ct.example',
        hashAlgorithm: 'SHA2_256',
        publicKey: {
          rawBytes: base64(ctLog.publicKey),
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
          validFor,
        },
        logId: { keyId: base64(ctLog.logID) },
      },
    ],
  };
}

/** Serves on loopback until disposed; `answer` gives status and body. */
export async function serve(
  answer: (body: string) => Promise<{
    readonly statusCode: number;
    readonly response: unknown;
    readonly contentType?: string;
  }>,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    void text(request)
      .then(answer)
      .then(({ statusCode, response: body, contentType = 'text/plain' }) => {
        response.writeHead(statusCode, { 'content-type': contentType, connection: 'close' });
        response.end(String(body));
      });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  // SAFETY: it listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

export async function serveFulcio({
  ca,
}: Authority): Promise<AsyncDisposable & { readonly url: string }> {
  const { fn } = fulcioHandler(ca, { subjectClaim: 'san' });
  return await serve(fn);
}
