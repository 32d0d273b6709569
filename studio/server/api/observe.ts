import { setImmediate } from 'node:timers/promises';
import { Hono } from 'hono';
import {
  HubError,
  PLUGIN_ID_PATTERN,
  PluginIdSchema,
  capabilityText,
  covers,
  pluginId,
  type Allowance,
  type AuditRecord,
  type CapabilityName,
  type Grant,
  type PluginId,
} from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import { createObserver, type Proposal, type ProposedPermission } from '../audit/observe.ts';
import type { Hub } from '../hub.ts';
import { numberOf } from './audit.ts';
import { bodyReader } from './body.ts';

type Observed = Pick<Hub, 'broker' | 'plugins' | 'store'>;
type Granted = Extract<Grant, { readonly status: 'granted' }>;

/** What came of applying a proposal. */
interface Applied {
  readonly proposal: Proposal;
  /** Capabilities whose grants were replaced by narrower ones. */
  readonly narrowed: readonly CapabilityName[];
  /** Capabilities left as they are: a grant holds in one workspace alone, or the manifest asks for the same twice, once at a lower rate than was used. */
  readonly left: readonly CapabilityName[];
}

const Apply = Type.Object(
  {
    plugin: PluginIdSchema,
    since: Type.Number({ minimum: 0, maximum: 8.64e15 }),
    by: Type.String({ minLength: 1, maxLength: 100 }),
  },
  { additionalProperties: false },
);

/** `GET /?plugin=&since=` proposes the narrowest grants that would have sufficed; `POST /apply` puts them in place of today's. */
export function observeRoutes(hub: Observed): Hono {
  const readApply = bodyReader(Apply);
  return new Hono()
    .get('/', async (context) => {
      const since = numberOf(context, 'since', 0) ?? 0;
      const { proposal } = await observe(hub, idOf(context.req.query('plugin')), since);
      return context.json(proposal);
    })
    .post('/apply', async (context) => {
      const { plugin, since, by } = await readApply(context);
      return context.json(await apply(hub, plugin, { since, by }));
    });
}

const RECORDS_AT_ONCE = 2000;

async function observe(
  { broker, plugins, store }: Observed,
  plugin: PluginId,
  since: number,
): Promise<{ readonly proposal: Proposal; readonly granted: readonly Granted[] }> {
  const installed = plugins.get(plugin);
  if (installed === null) throw new HubError('PLUGIN_NOT_INSTALLED', { plugin });
  const now = Date.now();
  const granted = broker.list().filter((it): it is Granted => {
    if (it.status !== 'granted' || it.plugin !== plugin) return false;
    if (it.publisher !== installed.publisher || (it.until !== null && it.until <= now))
      return false;
    return installed.manifest.permissions.some((asked) => covers(asked, it.permission));
  });
  const observer = createObserver(granted.map(({ permission }) => allowanceOf(permission)));
  await store.flush();
  const { audit } = store;
  let seen = 0;
  for (const it of audit.records(audit.lastBefore(since), audit.to().sequence)) {
    seen += 1;
    if (seen % RECORDS_AT_ONCE === 0) await setImmediate();
    if (it.plugin !== plugin) continue;
    // SAFETY: the hub wrote it.
    const record = JSON.parse(it.record) as AuditRecord;
    if (record.at >= since) observer.add(record);
  }
  return { proposal: observer.propose(), granted };
}

/** Fails closed: between taking the wider grants and giving the narrower ones there is nothing. */
async function apply(
  hub: Observed,
  plugin: PluginId,
  { since, by }: { readonly since: number; readonly by: string },
): Promise<Applied> {
  const { proposal, granted } = await observe(hub, plugin, since);
  if (proposal.uses === 0) {
    throw new HubError('HUB_REQUEST_INVALID', {
      field: 'since',
      value: new Date(since).toISOString(),
      cure: `${plugin} used nothing since then: run what uses it first, or take all with hub permissions revoke.`,
    });
  }
  const asked = hub.plugins.get(plugin)?.manifest.permissions ?? [];
  const capabilities = [...new Set(granted.map((it) => it.permission.capability))];
  const changed = capabilities.filter((capability) => {
    const of = (list: readonly Allowance[]): string =>
      list
        .filter((it) => it.capability === capability)
        .map(capabilityText)
        .toSorted()
        .join('\n');
    return of(granted.map((it) => it.permission)) !== of(proposal.permissions);
  });
  const isOpen = (capability: CapabilityName): boolean =>
    proposal.permissions
      .filter((it) => it.capability === capability)
      .every((it) => asked.every((one) => !covers(one, it) || isWithin(one, it)));
  const isBound = (capability: CapabilityName): boolean =>
    granted.some((it) => it.workspace !== null && it.permission.capability === capability);
  const narrowed = changed.filter((it) => isOpen(it) && !isBound(it));
  for (const capability of narrowed) {
    hub.broker.revoke({ plugin, capability, by });
    for (const it of proposal.permissions)
      if (it.capability === capability) approve(hub, { plugin, by, granted }, it);
  }
  return { proposal, narrowed, left: changed.filter((it) => !narrowed.includes(it)) };
}

/** Ends when the grant ends that it is a part of. */
function approve(
  { broker }: Observed,
  about: { readonly plugin: PluginId; readonly by: string; readonly granted: readonly Granted[] },
  { capability, target, ratePerSecond, within }: ProposedPermission,
): void {
  const { plugin, by, granted } = about;
  const from = granted.find(({ permission }) => isSame(permission, within));
  broker.approve({
    plugin,
    capability,
    target,
    by,
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    ...(from === undefined || from.until === null ? {} : { until: from.until }),
  });
}

const isWithin = (asked: Allowance, it: Allowance): boolean =>
  asked.ratePerSecond === undefined || (it.ratePerSecond ?? Infinity) <= asked.ratePerSecond;

const isSame = (one: Allowance, other: Allowance): boolean =>
  capabilityText(one) === capabilityText(other);

const allowanceOf = ({ capability, target, ratePerSecond }: Allowance): Allowance => ({
  capability,
  target,
  ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
});

function idOf(text: string | undefined): PluginId {
  if (text !== undefined && new RegExp(PLUGIN_ID_PATTERN, 'u').test(text)) return pluginId(text);
  throw new HubError('HUB_REQUEST_INVALID', {
    field: 'plugin',
    value: (text ?? '').slice(0, 100),
    cure: 'Name an installed plugin, e.g. core/http.',
  });
}
