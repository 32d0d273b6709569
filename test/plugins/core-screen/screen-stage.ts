import { screenPlugin } from '../../../plugins/core-screen/plugin.ts';
import { createX11ScreenDriver } from '../../../plugins/core-screen/x11-driver.ts';
import { openDisplay, type TestDisplay, type TestWindow } from '../../support/display.ts';
import { createPluginHarness, type PluginHarness } from '../../support/plugin-harness.ts';

/** The field of the test window that is painted. */
export const FIELD = { window: 'Queue monitor', x: 0, y: 0, width: 300, height: 80 };

/** A display with the test window, and core/screen on it. */
export interface ScreenStage extends AsyncDisposable {
  readonly display: TestDisplay;
  readonly window: TestWindow;
  readonly harness: PluginHarness;
}

export async function openScreenStage(): Promise<ScreenStage> {
  await using opened = new AsyncDisposableStack();
  const display = opened.use(await openDisplay());
  const window = opened.use(await display.openWindow());
  const driver = opened.use(createX11ScreenDriver(display.name));
  const harness = createPluginHarness([screenPlugin(() => driver)]);
  const parts = opened.move();
  const close = async (): Promise<void> => await parts.disposeAsync();
  return { display, window, harness, [Symbol.asyncDispose]: close };
}
