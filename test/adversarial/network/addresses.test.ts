import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { createAddressRule } from '../../../studio/server/services/http/addresses.ts';
import { PUBLIC, serve, world } from '../../studio/server/services/http/world.ts';

const REFUSED = { code: 'NET_ADDRESS_REFUSED' };

/** Loopback and metadata, in every spelling a URL parser takes for them. */
const SPELLINGS = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '0x7f.0.0.0x1',
  '127.0.0.1.',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '%31%32%37.0.0.1',
  '127.255.255.254',
  '0',
  '0.0.0.0',
  '0.1.2.3',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::a00:1]',
  '[2002:7f00:1::]',
  '[2002:a9fe:a9fe::1]',
  '[2001:0:7f00:1::]',
  '[2001:0:5db8:d70e::80ff:fffe]',
  '[2606:4700::5efe:10.0.0.1]',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '0251.0376.0251.0376',
  '[::ffff:169.254.169.254]',
  '[fd00:ec2::254]',
  '[fd20:ce::254]',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '198.18.0.1',
  '192.0.2.1',
  '203.0.113.7',
  '224.0.0.1',
  '239.255.255.250',
  '255.255.255.255',
  '240.0.0.1',
  '192.88.99.1',
  '[fc00::1]',
  '[fd12:3456::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[100::1]',
  '[2001:db8::1]',
  '[2001:10::1]',
  '[3fff::1]',
  '[5f00::1]',
  '[4000::1]',
];

describe('an address that is not for everyone is refused before a connection is made', () => {
  test.each(SPELLINGS)('%s', async (host) => {
    const { request, connections } = world({ networks: [] });
    for (const scheme of ['http', 'https']) {
      await expect(request({ url: `${scheme}://${host}:8080/` })).rejects.toMatchObject(REFUSED);
    }
    expect(connections).toEqual([]);
  });
});

describe('a name that leads there is refused, also when other answers are harmless', () => {
  test.each([
    ['loopback', ['127.0.0.1']],
    ['loopback of version 6', ['::1']],
    ['a mapped address', ['::ffff:127.0.0.1']],
    ['a link-local address with a zone', ['fe80::1%lo']],
    ['metadata', ['169.254.169.254']],
    ['a public and a private address', [PUBLIC, '10.0.0.1']],
    ['a private address, then a public one', ['10.0.0.1', PUBLIC]],
    ['public ones and NAT64 of metadata', [PUBLIC, '2606:4700::1111', '64:ff9b::a9fe:a9fe']],
    ['what is no address', ['localhost']],
    ['an empty text', ['']],
  ])('%s', async (_name, addresses) => {
    const resolve = async () => await Promise.resolve(addresses);
    const { request, connections } = world({ networks: [], resolve });
    const answer = request({ url: 'https://innocent.example/' });
    await expect(answer).rejects.toMatchObject({ ...REFUSED, data: { host: 'innocent.example' } });
    expect(connections).toEqual([]);
  });

  test('localhost, through the system’s own resolver', async () => {
    const { request, connections } = world({ networks: [] });
    for (const name of ['localhost', 'LOCALHOST', 'localhost.', 'lo%63alhost']) {
      await expect(request({ url: `http://${name}/` })).rejects.toMatchObject(REFUSED);
    }
    expect(connections).toEqual([]);
  });

  test('the text of the error names the kind, never the address that the name has', async () => {
    const resolve = async () => await Promise.resolve(['10.11.12.13']);
    const answer = world({ networks: [], resolve }).request({ url: 'https://innocent.example/' });
    await expect(answer).rejects.toThrow('it is an address of a private network');
    await expect(answer).rejects.not.toThrow('10.11.12.13');
  });
});

describe('DNS rebinding', () => {
  test('a name is resolved once, and the connection goes to the address that was checked', async () => {
    await using server = await serve((_request, response) => response.end('pinned'));
    let lookups = 0;
    const resolve = async () => {
      lookups += 1;
      return await Promise.resolve([lookups === 1 ? PUBLIC : '127.0.0.1']);
    };
    const spied = world({ networks: [], resolve, port: server.port });
    const answer = await spied.request({ url: `http://rebind.example:${String(server.port)}/` });
    expect(answer).toMatchObject({ text: 'pinned' });
    expect(lookups).toBe(1);
    expect(spied.connections).toMatchObject([{ host: 'rebind.example', addresses: [PUBLIC] }]);
    expect(server.seen[0]?.headers.host).toBe(`rebind.example:${String(server.port)}`);
  });

  test('a name that turns private between two requests is refused the second time', async () => {
    await using server = await serve((_request, response) => response.end('first'));
    const answers = [[PUBLIC], ['127.0.0.1']];
    const resolve = async () => await Promise.resolve(answers.shift() ?? []);
    const { request, connections } = world({ networks: [], resolve, port: server.port });
    expect(await request({ url: 'http://rebind.example/' })).toMatchObject({ text: 'first' });
    const second = request({ url: 'http://rebind.example/' });
    await expect(second).rejects.toMatchObject(REFUSED);
    expect(connections).toHaveLength(1);
  });

  test('a name that turns private between a response and its redirect is refused', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(302, { location: '/again' }).end();
    });
    const answers = [[PUBLIC], ['169.254.169.254']];
    const resolve = async () => await Promise.resolve(answers.shift() ?? []);
    const spied = world({ networks: [], resolve, port: server.port, grants: ['*'] });
    const answer = spied.request({ url: 'http://rebind.example/' });
    await expect(answer).rejects.toMatchObject(REFUSED);
    expect(spied.connections).toHaveLength(1);
  });
});

describe('networks an admin names', () => {
  test.each([
    ['10.1.0.0/16', '10.1.2.3', true],
    ['10.1.0.0/16', '10.2.0.1', false],
    ['10.1.0.0/16', '::ffff:10.1.2.3', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['fd00::/8', 'fd12::1', true],
    ['fd00::/8', 'fd00:ec2::254', false],
    ['fd00:ec2::254', 'fd00:ec2::254', true],
    ['169.254.0.0/16', '169.254.169.254', false],
    ['169.254.169.254/32', '169.254.169.254', true],
    ['169.254.169.254', '169.254.169.253', false],
    ['0.0.0.0/0', '169.254.169.254', false],
    ['0.0.0.0/0', '100.100.100.200', false],
    ['::/0', '64:ff9b::a9fe:a9fe', false],
    ['64:ff9b::/96', '64:ff9b::7f00:1', false],
    ['2002::/16', '2002:7f00:1::', false],
    ['fe80::/10', 'fe80::1%eth0', true],
  ])('%s and %s', (network, address, isAllowed) => {
    expect(createAddressRule([network])(address) === null).toBe(isAllowed);
  });

  test.each([
    '10.0.0.0/33',
    '10.0.0/8',
    'localhost',
    '::/129',
    '*',
    '10.0.0.0/8/8',
    'fe80::1%lo',
    '',
  ])('refuses to start on “%s”', (network) => {
    expect(() => createAddressRule([network])).toThrow(
      expect.objectContaining({ code: 'HUB_REQUEST_INVALID' }),
    );
  });

  test('every address of this machine is refused, or public', () => {
    const rule = createAddressRule([]);
    const own = Object.values(networkInterfaces()).flatMap((it) => it ?? []);
    const internal = own.filter((it) => it.internal).map((it) => rule(it.address));
    expect(internal.length).toBeGreaterThan(0);
    expect(internal).not.toContain(null);
  });
});
