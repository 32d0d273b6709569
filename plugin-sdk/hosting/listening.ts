import { FrameError, type HubFrame, type Json, type JsonObject } from '../contract/index.ts';
import type { ListenRequest } from './ports.ts';

/** What listening needs of a host. */
export interface ListeningHost {
  ask(
    frame: (id: number) => HubFrame,
    onEvent: (value: JsonObject) => void,
    how: { readonly signal: AbortSignal; readonly onSent: (id: number) => void },
  ): Promise<Json>;
  /** Allows question `id` one more event. */
  allow(id: number): void;
  isDead(): boolean;
}

/** Keeps a trigger node going, one event at a time: the next is allowed when `onEvent` has resolved. */
export async function listenTo(
  request: ListenRequest,
  onEvent: (outputs: JsonObject) => Promise<void>,
  signal: AbortSignal,
  host: ListeningHost,
): Promise<void> {
  const { node, type, config, workflow } = request;
  const { promise: refused, reject } = Promise.withResolvers<never>();
  let question = 0;
  let credit = 0;
  const allow = (): void => {
    credit += 1;
    host.allow(question);
  };
  const take = (value: JsonObject): void => {
    credit -= 1;
    if (credit < 0) throw new FrameError('an event without credit');
    void onEvent(value).then(allow, reject);
  };
  const onSent = (id: number): void => {
    question = id;
    queueMicrotask(allow);
  };
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const frame = (id: number) => ({ t: 'listen', id, node, type, config, workflow }) as const;
  const ended = host.ask(frame, take, { signal: either, onSent });
  try {
    await Promise.race([ended, refused]);
  } catch (error) {
    stop.abort(error);
    await ended.catch(() => undefined);
    if (!signal.aborted || host.isDead()) throw error;
  }
}
