import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { openStage } from '../../../../studio/server/demo/stage.ts';

test.each([1, 2] as const)(
  'the window at scale %i tells where things are, when it drew and what was pressed',
  async (scale) => {
    await using stage = await openStage({ scale });
    expect(stage.scale).toBe(scale);
    const askedAt = Date.now();
    expect(await stage.show('57')).toBeGreaterThan(askedAt - 1);
    const pressed = Promise.withResolvers<string>();
    stage.onClick((click) => pressed.resolve(click.value));
    const { x, y, width, height } = stage.boxes.button;
    const point = [x + width / 2, y + height / 2].map((at) => String(at * scale));
    const env = { ...process.env, DISPLAY: stage.display };
    const find = ['search', '--sync', '--name', '^Queue monitor$'];
    const act = ['mousemove', '--window', '%1', ...point, 'click', '1'];
    expect(spawnSync('xdotool', [...find, ...act], { env }).status).toBe(0);
    expect(await pressed.promise).toBe('57');
    expect(stage.clicks().map((click) => click.value)).toEqual(['57']);
  },
);
