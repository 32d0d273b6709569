import { expect, test } from 'vitest';
import { artifactOf, makePublisher, openRegistry, post, README } from './open-registry.ts';

const HOSTILE = `${README}
<script>alert(1)</script> <img src=x onerror=alert(2)> <iframe src="https://evil.example"></iframe>

[click](javascript:alert(3)) [data](data:text/html;base64,PHNjcmlwdD4=) [vb](vbscript:x) [ok](https://example.com/page)

[a]: javascript:alert(4)
[ref][a] <javascript:alert(5)> <a href="javascript:alert(6)">x</a>
`;

test('a README shows no HTML of its author, no picture, and links only to the web', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const reply = await post(
    at.ask,
    acme,
    artifactOf('acme/ocr', '1.0.0', {}, { 'README.md': HOSTILE }),
  );
  expect([201, 202]).toContain(reply.status);
  const page = await at.ask('GET', '/v1/plugins/acme/ocr/1.0.0/readme', {
    token: at.registry.adminToken ?? '',
  });
  expect(page.status).toBe(200);
  const body = page.text.slice(page.text.indexOf('<body>'));
  expect(body).not.toMatch(/<(script|img|iframe|object|style|svg)\b/iu);
  expect([...body.matchAll(/href="([^"]*)"/gu)].map(([, to]) => to)).toEqual([
    'https://example.com/page',
  ]);
  expect(body).toContain('rel="noopener noreferrer nofollow ugc"');
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/u);
});

test('an icon is handed out as a file, which runs nothing wherever it is opened', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  const icon =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>';
  await post(at.ask, acme, artifactOf('acme/ocr', '1.0.0', {}, { 'icon.svg': icon }));
  const reply = await at.ask('GET', '/v1/plugins/acme/ocr/1.0.0/icon');
  expect(reply.text).toBe(icon);
  expect(reply.headers.get('content-disposition')).toContain('attachment');
  expect(reply.headers.get('content-security-policy')).toContain('sandbox');
  expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
});

test('the first page has no script, names the log’s key and shows what is searched as text', async () => {
  await using at = await openRegistry();
  const acme = await makePublisher(at, 'acme');
  await post(at.ask, acme, artifactOf('acme/ocr', '1.0.0', { title: 'Reads text' }));
  const page = await at.ask(
    'GET',
    `/?q=${encodeURIComponent('"><script>alert(1)</script> reads')}`,
  );
  expect(page.text).not.toContain('<script');
  expect(page.text).toContain(at.registry.fingerprint);
  expect((await at.ask('GET', '/?q=reads')).text).toContain('Reads text');
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
});
