import type { Clock, EventSink, Service } from '@runtime-hub/kernel';
import { HubError, type Json } from '@runtime-hub/plugin-sdk/contract';

const LEVELS = ['debug', 'info', 'warn', 'error'];
const MAX_TEXT_LENGTH = 8192;

/** The capability `log`: `write {level, text}` becomes the event `plugin.log`; texts are cut to 8,192 characters. */
export function createLogService(events: EventSink, clock: Clock): Service {
  return {
    capability: 'log',
    async call(operation, args, { caller: { plugin, run } }) {
      if (operation !== 'write') {
        throw new HubError('CAPABILITY_DENIED', { plugin, need: `log.${operation}` });
      }
      const fields = { plugin, ...parseArgs(args), ...(run === null ? {} : { run }) };
      events.emit({ type: 'plugin.log', at: clock.now(), ...fields });
      return await Promise.resolve(null);
    },
  };
}

function parseArgs(args: Json): { readonly level: string; readonly text: string } {
  // SAFETY: both fields are checked before they are believed.
  const { level, text } = (args ?? {}) as { readonly level?: Json; readonly text?: Json };
  if (typeof level === 'string' && LEVELS.includes(level) && typeof text === 'string') {
    return { level, text: printable(text) };
  }
  const cure = `Give a text, and a level of ${LEVELS.join(', ')}.`;
  throw new HubError('HUB_REQUEST_INVALID', { field: 'log', value: typeof text, cure });
}

/** Without control characters, which could forge lines or drive a terminal. */
export const printable = (text: string): string =>
  text.slice(0, MAX_TEXT_LENGTH).replaceAll(/[^\P{Cc}\t\n]/gu, '\u{FFFD}');
