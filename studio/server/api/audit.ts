import { Hono, type Context } from 'hono';
import { stream } from 'hono/streaming';
import {
  CAPABILITY_NAMES,
  HubError,
  pluginId,
  reportOf,
  PLUGIN_ID_PATTERN,
} from '@runtime-hub/plugin-sdk/contract';
import * as Type from 'typebox';
import type { Hub } from '../hub.ts';
import type { AuditFilter } from '../store/audit-reader.ts';
import { MOST_DAYS } from '../store/audit-retention.ts';
import { bodyReader } from './body.ts';

const DECISIONS = [
  'allowed',
  'denied',
  'rate-exceeded',
  'granted',
  'revoked',
  'requested',
  'refused',
];
const MOST = 1000;
/** Lines of an export written at once. */
const LINES = 500;

const Prune = Type.Object({ before: Type.Number() }, { additionalProperties: false });
const Keep = Type.Object(
  { days: Type.Integer({ minimum: 1, maximum: MOST_DAYS }) },
  { additionalProperties: false },
);
const Nothing = Type.Object({}, { additionalProperties: false });

const readPrune = bodyReader(Prune);
const readKeep = bodyReader(Keep);
const readNothing = bodyReader(Nothing);

/** The audit: `GET /` a page, newest first · `/export` all of it as lines · `/head` a signed head · `/retention` what is kept · prune · accept. */
export function auditRoutes({ store: { audit } }: Pick<Hub, 'store'>): Hono {
  return new Hono()
    .get('/', (context) => {
      const limit = numberOf(context, 'limit', 1) ?? 100;
      const before = numberOf(context, 'before', 1);
      const how = { limit: Math.min(limit, MOST), ...(before === undefined ? {} : { before }) };
      return context.json(audit.page(filterOf(context), how));
    })
    .get('/head', (context) => {
      const { broken } = audit;
      return context.json({
        head: audit.head(),
        broken: broken === null ? null : reportOf(broken),
      });
    })
    .get('/export', (context) => {
      const lines = audit.export(numberOf(context, 'since', 0));
      return stream(context, async (out) => {
        for (let some = take(lines, LINES); some !== ''; some = take(lines, LINES))
          await out.write(some);
      });
    })
    .post('/prune', async (context) => {
      const { before } = await readPrune(context);
      return context.json({ pruned: await audit.prune(before) });
    })
    .get('/retention', (context) => context.json({ pruned: 0, ...audit.retention() }))
    .post('/retention', async (context) => {
      const { days } = await readKeep(context);
      audit.keepDays(days);
      const pruned = await audit.retain(Date.now());
      return context.json({ pruned, ...audit.retention() });
    })
    .post('/accept', async (context) => {
      await readNothing(context);
      return context.json({ head: await audit.accept() });
    });
}

function take(lines: Iterator<string, void>, most: number): string {
  let text = '';
  for (let count = 0; count < most; count += 1) {
    const next = lines.next();
    if (next.done === true) break;
    text += `${next.value}\n`;
  }
  return text;
}

function filterOf(context: Context): AuditFilter {
  const plugin = wordOf(context, 'plugin', (it) => new RegExp(PLUGIN_ID_PATTERN, 'u').test(it));
  const capability = wordOf(context, 'capability', (it) =>
    CAPABILITY_NAMES.some((name) => name === it),
  );
  const decision = wordOf(context, 'decision', (it) => DECISIONS.includes(it));
  const run = wordOf(context, 'run', (it) => it.length <= 64);
  const since = numberOf(context, 'since', 0);
  return {
    ...(plugin === undefined ? {} : { plugin: pluginId(plugin) }),
    ...(capability === undefined ? {} : { capability }),
    ...(decision === undefined ? {} : { decision }),
    ...(run === undefined ? {} : { run }),
    ...(since === undefined ? {} : { since }),
  };
}

function wordOf(
  context: Context,
  name: string,
  fits: (word: string) => boolean,
): string | undefined {
  const word = context.req.query(name);
  if (word === undefined || fits(word)) return word;
  throw new HubError('HUB_REQUEST_INVALID', {
    field: name,
    value: word.slice(0, 100),
    cure: 'See hub audit --help.',
  });
}

/** A number in the query that is at least `least`; undefined when it is not there. */
export function numberOf(context: Context, name: string, least: number): number | undefined {
  const word = wordOf(context, name, (it) => /^\d{1,15}(?:\.\d+)?$/u.test(it) && +it >= least);
  return word === undefined ? undefined : Number(word);
}
