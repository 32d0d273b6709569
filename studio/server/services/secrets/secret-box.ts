import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A value under AES-256-GCM; all three as base64. */
export interface Sealed {
  readonly nonce: string;
  readonly tag: string;
  readonly data: string;
}

const CIPHER = 'aes-256-gcm';
/** NIST SP 800-38D section 8.2.2: a random nonce of 96 bits. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts a value for a name: under another name it does not open. */
export function seal(key: Buffer, name: string, value: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(name));
  const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return {
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    data: data.toString('base64'),
  };
}

/** The value; null when it was changed, renamed, or sealed under another key. */
export function unseal(key: Buffer, name: string, sealed: Sealed): string | null {
  try {
    const nonce = Buffer.from(sealed.nonce, 'base64');
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(name));
    decipher.setAuthTag(Buffer.from(sealed.tag, 'base64'));
    const data = Buffer.from(sealed.data, 'base64');
    return Buffer.concat([decipher.update(data), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

const boundTo = (name: string): Buffer => Buffer.from(`runtime-hub/secret@1 ${name}`);
