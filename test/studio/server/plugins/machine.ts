import { HubError, pluginId } from '@runtime-hub/plugin-sdk/contract';
import { openHub, type Hub } from '../../../../studio/server/hub.ts';
import { packOf, type Pack } from '../../../e2e/registry-pack.ts';
import {
  makePublisher,
  openRegistry,
  post,
  type OpenRegistry,
  type Publisher,
} from '../../../registry/open-registry.ts';
import { temporaryFolder } from '../../../support/hub.ts';

export const WORDS = pluginId('acme/words');

/** A registry with a publisher, and a hub's folder on another machine. */
export interface Scene extends AsyncDisposable {
  readonly at: OpenRegistry;
  readonly acme: Publisher;
  readonly folder: string;
  open(options?: { readonly dev?: boolean }): Promise<Hub>;
  publish(pack: Omit<Pack, 'id'>): Promise<void>;
}

export async function openScene(): Promise<Scene> {
  await using opened = new AsyncDisposableStack();
  const at = opened.use(await openRegistry({ clock: { now: () => Date.now() } }));
  const acme = await makePublisher(at, 'acme');
  const folder = opened.use(temporaryFolder('machine')).path;
  const parts = opened.move();
  return {
    ...{ at, acme, folder },
    open: async (options) => await openHub({ folder, ...options }),
    publish: async (pack) => {
      const reply = await post(at.ask, acme, packOf({ id: WORDS, ...pack }));
      if (reply.json.state !== 'active') throw new Error(reply.text);
    },
    [Symbol.asyncDispose]: async () => await parts.disposeAsync(),
  };
}

/** Adds the scene's registry to a hub. */
export async function addRegistry(
  hub: Hub,
  { at }: Pick<Scene, 'at'>,
  { namespaces = ['acme/*'], exclusive = false } = {},
): Promise<void> {
  await hub.registries.add({ url: at.url, namespaces, exclusive });
}

/** Code of the error that `act` fails with; 'nothing' when it does not. */
export async function refusal(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'nothing';
  } catch (error) {
    return error instanceof HubError ? error.code : String(error);
  }
}
