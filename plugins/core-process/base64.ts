const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 (RFC 4648) of a text as UTF-16, low byte first: what PowerShell’s -EncodedCommand takes. An isolate has nothing for it. */
export function base64OfUtf16(text: string): string {
  const bytes = Array.from({ length: text.length * 2 }, (_, at) => {
    const unit = text.charCodeAt(at >> 1);
    return at % 2 === 0 ? unit & 0xff : unit >> 8;
  });
  let encoded = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b, c] = bytes.slice(at, at + 3);
    const word = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => ALPHABET.charAt((word >> shift) & 63));
    encoded += digits.slice(0, b === undefined ? 2 : c === undefined ? 3 : 4).join('');
  }
  return encoded.padEnd(Math.ceil(encoded.length / 4) * 4, '=');
}
