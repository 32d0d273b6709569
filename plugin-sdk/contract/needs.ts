import type { Static } from 'typebox';
import { CAPABILITIES, type CapabilityName, type Need } from './capability.ts';
import { unfit } from './errors.ts';
import type { HttpRequest, SecretUse } from './http.ts';
import type { Json } from './json.ts';
import type { RunOperations } from './process.ts';
import type { Area, Point } from './screen.ts';
import { isTarget } from './targets.ts';

/**
 * Everything one use needs, all of which must be granted; `args` have passed their schema.
 * Throws STEP_INPUT_INVALID for an address or path that is not of a form that can be granted.
 */
export function needsOf(capability: CapabilityName, args: Json): readonly Need[] {
  const kind = CAPABILITIES[capability].target;
  switch (kind) {
    case 'area': {
      return areasOf(args).map((target) => ({ capability, target }));
    }
    case 'host': {
      // SAFETY: the schema of `request` was checked.
      const { url, headers = {} } = args as HttpRequest;
      const target = hostOf(url);
      return [{ capability, target }, ...secretsOf(headers, target)];
    }
    case 'path': {
      // SAFETY: every operation on files has a path, `move` a second one; their schemas were checked.
      const { path, to } = args as { readonly path: string; readonly to?: string };
      const paths = to === undefined ? { path } : { path, to };
      return Object.entries(paths).map(([at, target]) => formed(at, { capability, target }));
    }
    case 'program': {
      // SAFETY: the schemas of `run` and `end` were checked.
      const { program, env = {} } = args as Pick<
        Static<typeof RunOperations.run.args>,
        'program' | 'env'
      >;
      const need = formed('program', { capability, target: program });
      return [need, ...secretsOf(env, program)];
    }
    case 'any':
    case 'secret':
      return [{ capability, target: '*' }];
    default: {
      const never: never = kind;
      return never;
    }
  }
}

/** The target an address needs. Throws STEP_INPUT_INVALID for what is no http or https address, or holds a password. */
export function hostOf(address: string): string {
  const url = URL.parse(address);
  const scheme = url?.protocol === 'http:' ? 'http://' : '';
  const known = url !== null && (scheme !== '' || url.protocol === 'https:');
  if (!known || url.username !== '' || url.password !== '') {
    throw ungrantable('url', 'Give an http or https address without user and password.');
  }
  const target = `${scheme}${url.hostname.replace(/\.$/u, '')}${url.port === '' ? '' : `:${url.port}`}`;
  return formed('url', { capability: 'net.http', target }).target;
}

/** The permission that a secret on its way to a host or program needs. */
export const secretNeed = ({ $secret }: SecretUse, destination: string): Need => ({
  capability: 'secrets.use',
  target: `${$secret}@${destination}`,
});

function secretsOf(
  values: Readonly<Record<string, string | SecretUse>>,
  destination: string,
): readonly Need[] {
  return Object.values(values).flatMap((it) =>
    typeof it === 'string' ? [] : [secretNeed(it, destination)],
  );
}

/** The need itself; what names one thing must not look like a pattern. */
function formed(at: string, need: Need): Need {
  if (isTarget(need) && !/(?:^|\/)\*{1,2}$|^(?:http:\/\/)?\*/u.test(need.target)) return need;
  throw ungrantable(at, 'Give it whole: absolute, without “.” and “..”, and no pattern.');
}

const ungrantable = (at: string, cure: string) => unfit(`/${at}`, 'cannot be granted', cure);

function areasOf(args: Json): readonly string[] {
  // SAFETY: operations on areas take an area, or one or two points; their schemas were checked.
  const { area, at, to } = args as {
    readonly area?: Area;
    readonly at?: Point;
    readonly to?: Point;
  };
  if (area !== undefined) return [areaTarget(area)];
  return [at, to].flatMap((point) => (point === undefined ? [] : [pointTarget(point)]));
}

function areaTarget({ window, x, y, width, height }: Area): string {
  if (window !== undefined) return `window=${window}`;
  if (x === undefined || y === undefined || width === undefined || height === undefined) return '*';
  return `region=${String(x)},${String(y)},${String(width)},${String(height)}`;
}

function pointTarget({ window, x, y }: Point): string {
  return window === undefined ? `region=${String(x)},${String(y)},1,1` : `window=${window}`;
}
