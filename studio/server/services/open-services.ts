import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Caller, Clock, EventSink, Service } from '@runtime-hub/kernel';
import type { BlobHandle, CapabilityName, RunId } from '@runtime-hub/plugin-sdk/contract';
import type { StateStore } from '../store/store.ts';
import type { Blobs } from './blobs-service.ts';
import { createClockService, createRandomService } from './clock-random.ts';
import { openUndoStore, type UndoStore } from './files/undo-store.ts';
import type { HttpPorts } from './http/http-service.ts';
import { createLogService, printable } from './log-service.ts';
import type { ProcessPorts } from './process/process-services.ts';
import type { Secrets } from './secrets/secret-store.ts';
import { createStateService } from './state-service.ts';

/** Where the hub's own program lies: a plugin that changed it would be the hub at its next start. */
const PROGRAM = fileURLToPath(new URL('../../..', import.meta.url));

export interface ServicesPorts {
  /** The hub's data folder. */
  readonly folder: string;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly state: StateStore;
  readonly blobs: Blobs;
  readonly secrets: Secrets;
  /** Private networks that the trust policy names. */
  readonly networks: readonly string[];
  readonly display?: string;
}

/** What the hub itself provides behind the broker. */
export interface Services {
  readonly all: readonly Service[];
  /** Forgets what was kept for runs besides these, which go on. */
  retain(open: readonly RunId[]): void;
  /** Forgets what was kept for a run. */
  runEnded(run: RunId): void;
}

/** Opens every service; what is large is loaded at its first use. Throws HUB_REQUEST_INVALID for a key file others may read. */
export function openServices(ports: ServicesPorts): Services {
  const { blobs, clock, folder, state } = ports;
  const undo = openUndoStore({ folder: join(folder, 'undo') });
  return {
    all: [
      blobs.service,
      createStateService(state),
      createLogService(ports.events, clock),
      createClockService(clock),
      createRandomService(),
      ...loadedLater(ports, undo),
    ],
    retain: (open) => undo.retain(open),
    runEnded(run) {
      blobs.runEnded(run);
      undo.release(run);
    },
  };
}

/** What is large: the library for requests, the code for files and for programs. */
function loadedLater(ports: ServicesPorts, undo: UndoStore): readonly Service[] {
  const { blobs, clock, folder, secrets } = ports;
  const large = {
    keepBlob: async (bytes: Buffer, mime: string, caller: Caller) =>
      await blobs.add(bytes, mime, caller),
    readBlob: async (handle: BlobHandle, { host }: Caller) => await blobs.read(handle, host),
  };
  const files = async (): Promise<readonly Service[]> => {
    const { createFileServices } = await import('./files/files-service.ts');
    return createFileServices({
      home: homedir(),
      forbidden: [folder, blobs.folder, PROGRAM],
      undo,
      ...large,
    });
  };
  const http = async (): Promise<readonly Service[]> => {
    const { createHttpService } = await import('./http/http-service.ts');
    return [
      createHttpService({
        clock,
        secrets,
        networks: ports.networks,
        proxy: proxyOf(process.env),
        ...large,
      }),
    ];
  };
  const programs = async (): Promise<readonly Service[]> => {
    const { createProcessServices } = await import('./process/process-services.ts');
    return createProcessServices(programPorts(ports));
  };
  return [
    ...lazily(['fs.read', 'fs.write'], files),
    ...lazily(['net.http'], http),
    ...lazily(['process.run', 'process.list', 'process.end'], programs),
  ];
}

/** Services that are made when the first of them is called. */
function lazily(
  capabilities: readonly CapabilityName[],
  load: () => Promise<readonly Service[]>,
): readonly Service[] {
  let loading: Promise<readonly Service[]> | null = null;
  return capabilities.map((capability) => ({
    capability,
    async call(operation, args, use) {
      use.signal.throwIfAborted();
      const services = await (loading ??= load());
      const service = services.find((it) => it.capability === capability);
      if (service === undefined) throw new Error(`nothing provides ${capability}`);
      return await service.call(operation, args, use);
    },
  }));
}

/** The admin's proxy, named as everywhere. */
const proxyOf = (env: NodeJS.ProcessEnv): NonNullable<HttpPorts['proxy']> => ({
  http: env['HTTP_PROXY'] ?? env['http_proxy'],
  https: env['HTTPS_PROXY'] ?? env['https_proxy'],
  no: env['NO_PROXY'] ?? env['no_proxy'],
});

/** What programs say goes where their plugin's log goes. */
function programPorts({ clock, display, events, secrets }: ServicesPorts): ProcessPorts {
  return {
    ...(display === undefined ? {} : { display }),
    isOwn: () => false,
    reveal: (name) => secrets.reveal(name),
    redact: (text) => secrets.redactor.redact(text),
    onOutput({ plugin, run }, stream, text) {
      const level = stream === 'stderr' ? 'warn' : 'info';
      const said = { type: 'plugin.log', at: clock.now(), plugin, level } as const;
      events.emit({ ...said, text: printable(text), ...(run === null ? {} : { run }) });
    },
  };
}
