import type { Json } from '@runtime-hub/plugin-sdk/contract';
import { describe, expect, it } from 'vitest';
import { nextLink, resolved } from '../../../plugins/core-http/address.ts';
import { fakeWeb, jsonAnswer } from './fake-web.ts';

const url = 'https://api.test/items';
const failure = (message: RegExp) => ({
  code: 'STEP_FAILED',
  message: expect.stringMatching(message) as string,
});

describe('pages by link', () => {
  const link = (to: string) => ({ link: `<${to}>; rel="next", <${url}>; rel="first"` });

  it('are read to the last', async () => {
    const web = fakeWeb((_, at) =>
      jsonAnswer([at], at < 2 ? link(`/items?page=${String(at + 2)}`) : {}),
    );
    const auth = { type: 'bearer', secret: 'token' };
    const outputs = await web.run('get', { url, auth, paging: { by: 'link' } });
    expect(outputs).toMatchObject({ items: [0, 1, 2], pages: 3, more: false });
    expect(web.requests.map((it) => it.url)).toEqual([url, `${url}?page=2`, `${url}?page=3`]);
    expect(web.requests[2]?.headers).toEqual(web.requests[0]?.headers);
  });

  it('are bounded', async () => {
    const web = fakeWeb((_, at) => jsonAnswer([at], link(`${url}?page=${String(at)}`)));
    const outputs = await web.run('get', { url, paging: { by: 'link', maxPages: 4 } });
    expect(outputs).toMatchObject({ items: [0, 1, 2, 3], pages: 4, more: true });
  });

  it.each([
    'https://evil.test/items',
    '//evil.test/items',
    'http://api.test/items',
    'https://api.test:8443/items',
    'https://api.test@evil.test/',
    'https://api.test.evil.test/',
    String.raw`\\evil.test/items`,
  ])('never lead to another host: %s', async (to) => {
    const web = fakeWeb(() => jsonAnswer([], link(to)));
    const found = web.run('get', { url, paging: { by: 'link' } });
    await expect(found).rejects.toMatchObject(failure(/on another host/u));
    expect(web.requests).toHaveLength(1);
  });

  it('that go in a circle are ended', async () => {
    const web = fakeWeb(() => jsonAnswer([1], link(url)));
    const found = web.run('get', { url, paging: { by: 'link', maxPages: 1000 } });
    await expect(found).rejects.toMatchObject(failure(/in a circle/u));
    expect(web.requests).toHaveLength(1);
  });
});

describe('pages by cursor', () => {
  const paging = { by: 'cursor', cursorAt: 'meta.next', parameter: 'after', itemsAt: 'data' };

  it('are read until there is none', async () => {
    const nexts: Json[] = ['a&b', 7, null];
    const web = fakeWeb((_, at) => jsonAnswer({ data: [at], meta: { next: nexts[at] ?? null } }));
    const outputs = await web.run('get', { url, query: { after: 'x', n: 1 }, paging });
    expect(outputs).toMatchObject({ items: [0, 1, 2], pages: 3, more: false });
    expect(web.requests.map((it) => it.url)).toEqual([
      `${url}?after=x&n=1`,
      `${url}?n=1&after=a%26b`,
      `${url}?n=1&after=7`,
    ]);
  });

  it('end when a cursor comes back, is missing, or is no cursor', async () => {
    const same = fakeWeb(() => jsonAnswer({ data: [], meta: { next: 'a' } }));
    await expect(same.run('get', { url, paging })).rejects.toMatchObject(failure(/circle/u));
    expect(same.requests).toHaveLength(2);
    for (const meta of [{}, { next: '' }, { next: false }, { next: { a: 1 } }] satisfies Json[]) {
      const web = fakeWeb(() => jsonAnswer({ data: [1], meta }));
      expect(await web.run('get', { url, paging })).toMatchObject({ pages: 1, more: false });
    }
  });

  it('find nothing in prototypes', async () => {
    const web = fakeWeb(() => jsonAnswer({ data: [] }));
    const into = { ...paging, cursorAt: 'constructor.name' };
    expect(await web.run('get', { url, paging: into })).toMatchObject({ pages: 1 });
  });
});

describe('pages by number', () => {
  it('are read until one is empty', async () => {
    const web = fakeWeb((_, at) => jsonAnswer(at < 2 ? [at] : []));
    const paging = { by: 'number', parameter: 'page' };
    expect(await web.run('get', { url, paging })).toMatchObject({ items: [0, 1], pages: 3 });
    expect(web.requests.map((it) => it.url)).toEqual([1, 2, 3].map((n) => `${url}?page=${n}`));
  });
});

describe('pages of any kind', () => {
  const paging = { by: 'number', parameter: 'page', first: 0 };

  it('share their retries, so that many failing pages make no storm', async () => {
    const web = fakeWeb((_, at) => (at % 2 === 0 ? { status: 503 } : jsonAnswer([at])));
    const found = web.run('get', {
      url,
      retry: { times: 3 },
      paging: { ...paging, maxPages: 1000 },
    });
    await expect(found).rejects.toMatchObject(failure(/status 503/u));
    expect(web.requests).toHaveLength(7);
  });

  it('must have a list, and stay small enough together', async () => {
    const none = fakeWeb(() => jsonAnswer({ data: 5 }));
    await expect(
      none.run('get', { url, paging: { ...paging, itemsAt: 'data' } }),
    ).rejects.toMatchObject(failure(/no list/u));
    const large = fakeWeb(() => jsonAnswer(['x'.repeat(300_000)]));
    await expect(large.run('get', { url, paging })).rejects.toMatchObject(failure(/too large/u));
    expect(large.requests).toHaveLength(3);
  });

  it('are JSON that GET reads', async () => {
    const web = fakeWeb(() => jsonAnswer([]));
    await expect(web.run('get', { url, read: 'text', paging })).rejects.toMatchObject({
      code: 'STEP_INPUT_INVALID',
    });
    expect(web.requests).toEqual([]);
  });
});

describe('the header Link', () => {
  it.each([
    ['<a>; rel=next', 'a'],
    ['<a>; rel="prev", <b>; title="x, y"; rel="start next"', 'b'],
    ['<a>; REL="NEXT"', 'a'],
    ['<a>; rel="nextish"', null],
    ['<a>', null],
    ['', null],
    ['<'.repeat(20_000), null],
    [`<a>${';'.repeat(20_000)}`, null],
  ])('%#', (header, target) => expect(nextLink(header)).toBe(target));

  it.each([
    ['b', 'https://h.test/a/b'],
    ['?x=1', 'https://h.test/a/c?x=1'],
    ['/b', 'https://h.test/b'],
    ['https:/evil.test', 'https://h.test/a/https:/evil.test'],
    ['ht\ntps://evil.test', 'https://h.test/a/ht\ntps://evil.test'],
  ])('is seen from the page: %j', (reference, address) => {
    expect(resolved(reference, 'https://h.test/a/c?q#f')).toBe(address);
  });
});
