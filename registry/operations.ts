import type { TSchema } from 'typebox';
import {
  Changes,
  ConsistencyProof,
  Discovery,
  PluginRecord,
  ProvenLeaf,
  PublishReceipt,
  ResolveReply,
  ResolveRequest,
  Revocations,
  SearchPage,
  StateChange,
  VersionRecord,
} from '@runtime-hub/plugin-sdk/contract';
import { NewIssuer, NewNamespace, NewToken, NewWorkload } from './admin/index.ts';
import { ExchangeRequest } from './auth/index.ts';
import { KeyRequest } from './namespaces/index.ts';
import { NewAttestation } from './publish/index.ts';
import { Settings } from './settings.ts';

type Method = 'get' | 'post' | 'put' | 'delete';
/** Whose token it takes: `-` nobody's. */
type Needs = '-' | 'publish' | 'review' | 'admin';

export interface Operation {
  readonly summary: string;
  readonly needs: Needs;
  readonly query?: readonly string[];
  readonly takes?: TSchema | 'multipart';
  /** A schema for JSON, else a media type. */
  readonly gives: TSchema | string;
  readonly status?: number;
}

export const JSON_TYPE = 'application/json';
const version = '/v1/plugins/{namespace}/{name}/{version}';
const MIRRORED = `/mirror/{origin}${version}`;
const move = (summary: string, needs: Needs): Operation => ({
  summary,
  needs,
  takes: StateChange,
  gives: JSON_TYPE,
});

/** Every operation, by method and path; a test compares it with the routes that are there. */
export const OPERATIONS: Readonly<Record<`${Method} ${string}`, Operation>> = {
  'get /': { summary: 'The catalog, for people', needs: '-', query: ['q'], gives: 'text/html' },
  'get /v1/': { summary: 'Who this registry is', needs: '-', gives: Discovery },
  'get /v1/openapi.json': { summary: 'This description', needs: '-', gives: JSON_TYPE },
  'get /v1/plugins': {
    summary: 'Searches what may be installed',
    needs: '-',
    query: ['q', 'capability', 'runtime', 'namespace', 'cursor', 'limit'],
    gives: SearchPage,
  },
  'get /v1/plugins/{namespace}/{name}': {
    summary: 'All versions of a plugin',
    needs: '-',
    gives: PluginRecord,
  },
  [`get ${version}`]: { summary: 'One version', needs: '-', gives: VersionRecord },
  [`get ${version}/bundle`]: {
    summary: 'Its signature and receipt',
    needs: '-',
    gives: 'application/vnd.dev.sigstore.bundle.v0.3+json',
  },
  [`get ${version}/attestations`]: {
    summary: 'What others vouch for',
    needs: '-',
    gives: JSON_TYPE,
  },
  [`post ${version}/attestations`]: {
    summary: 'Adds an attestation to it and to the log',
    needs: 'publish',
    takes: NewAttestation,
    gives: JSON_TYPE,
    status: 201,
  },
  [`get ${version}/readme`]: { summary: 'Its README, rendered', needs: '-', gives: 'text/html' },
  [`get ${version}/changelog`]: {
    summary: 'Its changelog, rendered',
    needs: '-',
    gives: 'text/html',
  },
  [`get ${version}/icon`]: { summary: 'Its icon', needs: '-', gives: 'image/svg+xml' },
  [`post ${version}/approve`]: move('Lets it be installed', 'review'),
  [`post ${version}/deprecate`]: move('Warns whoever installs it', 'publish'),
  [`post ${version}/yank`]: move('Ends new installs', 'publish'),
  [`post ${version}/revoke`]: move('Has hubs stop it', 'publish'),
  'get /v1/blobs/sha512/{hex}': { summary: 'An artifact', needs: '-', gives: 'application/gzip' },
  'post /v1/resolve': {
    summary: 'Exact versions for ranges',
    needs: '-',
    takes: ResolveRequest,
    gives: ResolveReply,
  },
  'post /v1/publish': {
    summary: 'Publishes a version; 202 when it is held',
    needs: 'publish',
    takes: 'multipart',
    gives: PublishReceipt,
    status: 201,
  },
  'post /v1/auth/oidc/exchange': {
    summary: 'A build job’s token for one that publishes a quarter of an hour',
    needs: '-',
    takes: ExchangeRequest,
    gives: JSON_TYPE,
  },
  'get /v1/namespaces/{namespace}': {
    summary: 'A namespace and its keys',
    needs: '-',
    gives: JSON_TYPE,
  },
  'post /v1/namespaces/{namespace}/keys': {
    summary: 'Adds or revokes a key, signed by those who must',
    needs: 'publish',
    takes: KeyRequest,
    gives: JSON_TYPE,
    status: 201,
  },
  'get /v1/log/checkpoint': {
    summary: 'Signed head of the log (C2SP)',
    needs: '-',
    gives: 'text/plain',
  },
  'get /v1/log/tile/{path}': {
    summary: 'A tile (C2SP tlog-tiles)',
    needs: '-',
    gives: 'application/octet-stream',
  },
  'get /v1/log/proof': {
    summary: 'That a log grew',
    needs: '-',
    query: ['from', 'to'],
    gives: ConsistencyProof,
  },
  'get /v1/log/inclusion': {
    summary: 'That a leaf is in it',
    needs: '-',
    query: ['index', 'size'],
    gives: ProvenLeaf,
  },
  'get /v1/changes': {
    summary: 'The log as a feed',
    needs: '-',
    query: ['since', 'limit'],
    gives: Changes,
  },
  'get /v1/revocations': {
    summary: 'What is revoked, proven',
    needs: '-',
    query: ['since'],
    gives: Revocations,
  },
  'get /v1/tuf/{path}': { summary: 'Root of trust (TUF)', needs: '-', gives: JSON_TYPE },
  'get /healthz': { summary: 'That it lives', needs: '-', gives: JSON_TYPE },
  'get /readyz': { summary: 'That it serves', needs: '-', gives: JSON_TYPE },
  'get /metrics': { summary: 'Counts (Prometheus)', needs: '-', gives: 'text/plain' },
  'get /mirror/{origin}/v1/{path}': {
    summary: 'What another registry says, as this one took it in',
    needs: '-',
    gives: JSON_TYPE,
  },
  'post /mirror/{origin}/sync': {
    summary: 'Takes in what is new',
    needs: 'admin',
    gives: JSON_TYPE,
  },
  [`post ${MIRRORED}/approve`]: move('Lets it be installed from here', 'review'),
  [`post ${MIRRORED}/attestations`]: {
    summary: 'Vouches for it on behalf of this organisation',
    needs: 'review',
    takes: NewAttestation,
    gives: JSON_TYPE,
    status: 201,
  },
  'get /v1/admin/mirrors': { summary: 'What is mirrored', needs: 'admin', gives: JSON_TYPE },
  'get /v1/admin/namespaces': { summary: 'All namespaces', needs: 'admin', gives: JSON_TYPE },
  'post /v1/admin/namespaces': {
    summary: 'Makes one',
    needs: 'admin',
    takes: NewNamespace,
    gives: JSON_TYPE,
    status: 201,
  },
  'get /v1/admin/tokens': {
    summary: 'All tokens, without their text',
    needs: 'admin',
    gives: JSON_TYPE,
  },
  'post /v1/admin/tokens': {
    summary: 'Makes one',
    needs: 'admin',
    takes: NewToken,
    gives: JSON_TYPE,
    status: 201,
  },
  'delete /v1/admin/tokens/{id}': { summary: 'Ends one', needs: 'admin', gives: '', status: 204 },
  'get /v1/admin/settings': { summary: 'What is set', needs: 'admin', gives: Settings },
  'put /v1/admin/settings': {
    summary: 'Sets it',
    needs: 'admin',
    takes: Settings,
    gives: Settings,
  },
  'post /v1/admin/issuers': {
    summary: 'Names an OIDC issuer',
    needs: 'admin',
    takes: NewIssuer,
    gives: JSON_TYPE,
    status: 201,
  },
  'post /v1/admin/workloads': {
    summary: 'Lets a build job publish',
    needs: 'admin',
    takes: NewWorkload,
    gives: JSON_TYPE,
    status: 201,
  },
  'get /v1/admin/review': { summary: 'What waits', needs: 'review', gives: JSON_TYPE },
  'get /v1/admin/audit': {
    summary: 'Who did what',
    needs: 'admin',
    query: ['since'],
    gives: JSON_TYPE,
  },
  'get /v1/admin/audit/verify': {
    summary: 'That nobody changed it',
    needs: 'admin',
    gives: JSON_TYPE,
  },
  'post /v1/admin/backup': {
    summary: 'Writes a backup into the data folder',
    needs: 'admin',
    gives: JSON_TYPE,
    status: 201,
  },
};
