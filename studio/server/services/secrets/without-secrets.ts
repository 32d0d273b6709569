import type { EventSink } from '@runtime-hub/kernel';
import type { Redactor } from './redactor.ts';

/** Passes events on; what plugins and programs say is cleared of the values of secrets that were used. */
export function withoutSecrets(events: EventSink, redactor: Pick<Redactor, 'redact'>): EventSink {
  return {
    emit(event) {
      if (event.type !== 'plugin.log') return events.emit(event);
      events.emit({ ...event, text: redactor.redact(event.text) });
    },
  };
}
