import { writeFile } from 'node:fs/promises';
import { STAGES, type DemoResult, type Outcome, type StageName } from './decision.ts';
import { pngOf } from './png.ts';
import { REPORT_STYLE } from './report-style.ts';

const STAGE_TITLES: { readonly [S in StageName]: string } = {
  notice: 'Change noticed',
  capture: 'Screen captured',
  read: 'Number read',
  decide: 'Decided',
  click: 'Clicked',
  handle: 'Handed over, handled',
};
const DECISION_TITLES = {
  click: 'Click',
  'no-click': 'No click',
  unreadable: 'Unreadable',
} as const;
const VERDICT_TITLES = { right: 'Right', wrong: 'Wrong', missed: 'Missed' } as const;

/** Writes the demo's result as one HTML page that needs nothing from outside. */
export async function writeReport(file: string, result: DemoResult): Promise<void> {
  await writeFile(file, reportOf(result));
}

/** The page: the summary, the stages as bars, and for each change what was seen, read and done. */
export function reportOf(result: DemoResult): string {
  const clean = result.wrong === 0 && result.missed === 0;
  const verdict = clean
    ? 'Every change was decided as a person would'
    : 'Not every change was decided as a person would';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Runtime Hub demo</title><style>${REPORT_STYLE}</style></head><body><main>
<header><h1>Screen → number → click</h1>
<p class="verdict ${clean ? 'right' : 'wrong'}">${verdict}</p>
<p class="about">${escaped(new Date(result.startedAt).toISOString().replace('T', ' ').slice(0, 19))} UTC · scale ${String(result.scale * 100)} % · seed ${String(result.seed)}</p></header>
<section class="tiles">${tiles(result)}</section>
<section><h2>Where the time goes</h2><div class="bars">${bars(result)}</div></section>
<section><h2>Every decision</h2><div class="scroll"><table><thead><tr><th>#</th><th>Seen on the screen</th><th>Shown</th><th class="n">Read</th><th class="n">Confidence</th><th>Decision</th><th>Clicked</th><th class="n">Change → click</th><th>Verdict</th></tr></thead>
<tbody>${result.outcomes.map(row).join('\n')}</tbody></table></div></section>
</main></body></html>
`;
}

function tiles(result: DemoResult): string {
  const spread = result.changeToClick;
  const tile = (title: string, value: string, kind = ''): string =>
    `<div class="tile ${kind}"><b>${value}</b><span>${title}</span></div>`;
  return [
    tile('changes', String(result.changes)),
    tile(
      'clicks done',
      `${String(result.done)}<small> of ${String(result.expectedClicks)}</small>`,
    ),
    tile('wrong', String(result.wrong), result.wrong > 0 ? 'bad' : ''),
    tile('missed', String(result.missed), result.missed > 0 ? 'bad' : ''),
    tile('median to click', spread === null ? '–' : milliseconds(spread.median)),
    tile('p95 to click', spread === null ? '–' : milliseconds(spread.p95)),
  ].join('');
}

function bars(result: DemoResult): string {
  const longest = Math.max(1, ...STAGES.map((stage) => result.stages[stage]?.p95 ?? 0));
  return STAGES.map((stage) => {
    const spread = result.stages[stage];
    if (spread === null) return '';
    const width = (ms: number): string => `${((100 * ms) / longest).toFixed(1)}%`;
    return `<div class="stage"><span>${STAGE_TITLES[stage]}</span><div class="track"><i class="p95" style="width:${width(spread.p95)}"></i><i style="width:${width(spread.median)}"></i></div><span class="n">${milliseconds(spread.median)} <small>p95 ${milliseconds(spread.p95)}</small></span></div>`;
  }).join('');
}

function row(outcome: Outcome): string {
  const { decision } = outcome;
  const crop = decision?.crop ?? null;
  const picture =
    crop === null
      ? '<span class="none">no picture</span>'
      : `<img alt="" width="${String(Math.round((crop.width * 56) / crop.height))}" height="56" src="data:image/png;base64,${pngOf(crop).toString('base64')}">`;
  const chosen =
    decision === null
      ? '–'
      : `<span class="chip ${decision.decision}">${DECISION_TITLES[decision.decision]}</span>`;
  const clicked =
    outcome.clicks.length === 0
      ? '–'
      : outcome.clicks.length === 1
        ? 'once'
        : `${String(outcome.clicks.length)} times`;
  const ms = outcome.changeToClickMs === null ? '–' : milliseconds(outcome.changeToClickMs);
  return `<tr class="${outcome.verdict}"><td>${String(outcome.change)}</td><td>${picture}</td><td>${shownText(outcome.shown)}</td><td class="n">${readText(outcome)}</td><td class="n">${decision === null ? '–' : decision.confidence.toFixed(0)}</td><td>${chosen}</td><td>${clicked}</td><td class="n">${ms}</td><td>${VERDICT_TITLES[outcome.verdict]}</td></tr>`;
}

const shownText = (shown: string): string =>
  shown === '' ? '<span class="none">blank</span>' : escaped(shown);

function readText({ decision }: Outcome): string {
  if (decision === null) return '–';
  if (decision.value !== null) return String(decision.value);
  return decision.text === '' ? '–' : `<span class="none">“${escaped(decision.text)}”</span>`;
}

const milliseconds = (ms: number): string => `${ms.toFixed(1)}&nbsp;ms`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
