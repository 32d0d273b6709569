import { keyRequest, newKey, type AskOptions } from '../../registry/open-registry.ts';
import { at, globex, hiddenDigest, playAttacks, acting, get, type Attack } from './api-stage.ts';

const HIDDEN = '/v1/plugins/skunkworks/rocket';
const prying = (name: string, path: string, more: () => AskOptions = () => ({})): Attack => [
  name,
  'REGISTRY_NOT_FOUND',
  async () => await get(path, more()),
];
const asStranger = () => ({ token: globex.token });
playAttacks('something private', [
  prying('its record', HIDDEN, asStranger),
  prying('its version', `${HIDDEN}/1.0.0`),
  prying('its bundle', `${HIDDEN}/1.0.0/bundle`),
  prying('its attestations', `${HIDDEN}/1.0.0/attestations`, asStranger),
  prying('its readme', `${HIDDEN}/1.0.0/readme`),
  prying('its keys and its salt', '/v1/namespaces/skunkworks', asStranger),
  prying('its record under another spelling', '/v1/plugins/skunkworks%2Frocket'),
  prying('its record by a known tag', HIDDEN, () => ({ headers: { 'if-none-match': '*' } })),
  [
    'its bytes, by their digest',
    'REGISTRY_NOT_FOUND',
    async () => await get(`/v1/blobs/sha512/${hiddenDigest.slice(7)}`, asStranger()),
  ],
  [
    'its revocation by a stranger',
    'REGISTRY_NOT_FOUND',
    async () => await acting(globex.token, 'skunkworks/rocket', 'revoke'),
  ],
  [
    'a key of it by a stranger',
    'REGISTRY_NOT_FOUND',
    async () => {
      const key = newKey('thief');
      const json = keyRequest('skunkworks', key, [key]);
      return await at.ask('POST', '/v1/namespaces/skunkworks/keys', { token: globex.token, json });
    },
  ],
]);

playAttacks('an address that leads elsewhere', [
  prying(
    'a file of the data folder by its blob',
    `/v1/blobs/sha512/${'..%2f'.repeat(8)}keys%2flog.pem`,
  ),
  prying('the log’s key as a tile', '/v1/log/tile/..%2f..%2fkeys%2flog.pem'),
  prying('a tile with a leading zero', '/v1/log/tile/00/000'),
  prying('a tile that is not there yet', '/v1/log/tile/0/999'),
  prying('a tile wider than the log', '/v1/log/tile/0/000.p/255'),
  prying('the root of trust’s keys', '/v1/tuf/..%2fkeys%2froot.pem'),
  prying('the root of trust’s keys, twice encoded', '/v1/tuf/%252e%252e%252fkeys%252froot.pem'),
  prying('a plugin named __proto__', '/v1/plugins/__proto__/constructor'),
  prying('a version named __proto__', '/v1/plugins/acme/taken/__proto__'),
  prying('a version with a v', '/v1/plugins/acme/taken/v1.0.0'),
  prying('a version with build data', '/v1/plugins/acme/taken/1.0.0+evil'),
  prying('a route nobody wrote', '/v1/admin/../../etc/passwd'),
]);

const asking = (name: string, path: string): Attack => [
  name,
  'REGISTRY_REQUEST_INVALID',
  async () => await get(path),
];
playAttacks('a question that breaks out', [
  asking('a cursor of another search', '/v1/plugins?q=acme&cursor=20.AAAAAAAAAAAA'),
  asking('a cursor that is SQL', '/v1/plugins?cursor=0;DROP%20TABLE%20versions'),
  asking('a limit without end', '/v1/plugins?limit=1000000'),
  asking('a limit below zero', '/v1/plugins?limit=-1'),
  asking('a namespace that is a pattern', '/v1/plugins?namespace=%25'),
  asking('a runtime that is SQL', "/v1/plugins?runtime='%20OR%201=1--"),
  asking('a query of 10,000 letters', `/v1/plugins?q=${'a'.repeat(10_000)}`),
  asking('a proof of a tree to come', '/v1/log/proof?from=1&to=999999999'),
  asking('a proof that runs backwards', '/v1/log/proof?from=3&to=1'),
  asking('changes since a fraction', '/v1/changes?since=1.5'),
  asking('changes since infinity', '/v1/changes?since=1e999'),
  [
    'a range that is none',
    'REGISTRY_REQUEST_INVALID',
    async () =>
      await at.ask('POST', '/v1/resolve', {
        json: { plugins: [{ id: 'acme/taken', range: 'newest, please' }] },
      }),
  ],
  [
    '501 questions at once',
    'REGISTRY_REQUEST_INVALID',
    async () => {
      const plugins = Array.from({ length: 501 }, () => ({ id: 'acme/taken', range: '*' }));
      return await at.ask('POST', '/v1/resolve', { json: { plugins } });
    },
  ],
]);
