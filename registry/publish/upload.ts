import { HubError } from '@runtime-hub/plugin-sdk/contract';
import { invalid, readBody, requireType } from '../http/index.ts';
import type { Limits } from '../parts.ts';
import type { Upload } from './examine.ts';

/** For the boundaries and headers of a multipart body. */
const FRAME_BYTES = 16 * 1024;

/** Reads `multipart/form-data` (RFC 7578) with the parts `artifact` and `bundle`, each once and nothing else. */
export async function readUpload(request: Request, limits: Limits): Promise<Upload> {
  requireType(request, 'multipart/form-data');
  const body = await readBody(request, limits.artifactBytes + limits.bundleBytes + FRAME_BYTES);
  const form = await formOf(body, request.headers.get('content-type') ?? '');
  for (const name of form.keys())
    if (name !== 'artifact' && name !== 'bundle') throw invalid('body', 'it has a part too many');
  const [artifact, bundle] = await Promise.all([
    partOf(form, 'artifact', limits.artifactBytes),
    partOf(form, 'bundle', limits.bundleBytes),
  ]);
  return { artifact, bundle: textOf(bundle) };
}

async function formOf(body: Buffer, type: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(body), {
      headers: { 'content-type': type },
    }).formData();
  } catch {
    throw invalid('body', 'it is no multipart/form-data');
  }
}

async function partOf(form: FormData, name: string, maxBytes: number): Promise<Uint8Array> {
  const [part, ...others] = form.getAll(name);
  if (part === undefined || others.length > 0) throw invalid(name, 'must be there once');
  const bytes = typeof part === 'string' ? Buffer.from(part) : await part.bytes();
  if (bytes.length > maxBytes) throw new HubError('REGISTRY_BODY_TOO_LARGE', { maxBytes });
  return bytes;
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid('bundle', 'is no UTF-8');
  }
}
