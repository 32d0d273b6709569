/** UTF-8 for the isolate, which has no TextDecoder; the CEL library makes one when it loads. */
class Utf8Decoder {
  readonly encoding = 'utf-8';

  decode(bytes: Uint8Array = new Uint8Array()): string {
    let escaped = '';
    for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
    return decodeURIComponent(escaped);
  }
}

/** Where a manifest is derived there is one that decodes nothing. */
function decodes(): boolean {
  return 'TextDecoder' in globalThis && new TextDecoder().decode(new Uint8Array([0x41])) === 'A';
}

if (!decodes()) Object.assign(globalThis, { TextDecoder: Utf8Decoder });
