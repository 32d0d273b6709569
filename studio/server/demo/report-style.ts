/** The report's style sheet; light or dark as the reader's system is. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#17202b;--soft:#5c6675;--line:#dfe3e9;--accent:#1d6fdc;--pale:#bcd5f7;--good:#176b3a;--bad:#b3261e;--good-ground:#e2f3e8;--bad-ground:#fbe5e3}
@media (prefers-color-scheme:dark){:root{--ground:#12161c;--card:#1a2029;--ink:#e8ecf2;--soft:#9aa6b6;--line:#2b3441;--accent:#5b9df5;--pale:#2b4a75;--good:#7fd8a2;--bad:#ff9d95;--good-ground:#173324;--bad-ground:#45201d}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,'DejaVu Sans',sans-serif}
main{max-width:1080px;margin:0 auto;padding:40px 24px 64px}h1{font-size:28px;line-height:1.2;margin:0 0 12px}h2{font-size:18px;margin:36px 0 12px}
.verdict{display:inline-block;margin:0;padding:4px 12px;border-radius:6px;font-weight:600}.verdict.right{background:var(--good-ground);color:var(--good)}.verdict.wrong{background:var(--bad-ground);color:var(--bad)}
.about,.none,small{color:var(--soft)}.about{margin:8px 0 24px}small{font-size:12px;font-weight:400}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px}.tile b{display:block;font-size:24px;line-height:1.3;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}.tile.bad b{color:var(--bad)}
.bars,.scroll{background:var(--card);border:1px solid var(--line);border-radius:8px}.bars{padding:12px 16px}.stage{display:grid;grid-template-columns:210px 1fr 170px;gap:16px;align-items:center;padding:5px 0}
.track{position:relative;height:12px}.track i{position:absolute;inset:0 auto 0 0;min-width:2px;background:var(--accent);border-radius:3px}.track i.p95{background:var(--pale)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}th{font-size:12px;font-weight:600;color:var(--soft);text-align:left;white-space:nowrap}th.n{text-align:right}
td,th{padding:8px 12px;border-bottom:1px solid var(--line)}tbody tr:last-child td{border-bottom:0}td img{display:block;border:1px solid var(--line);border-radius:4px}
.chip{display:inline-block;padding:1px 8px;border-radius:4px;border:1px solid var(--line);white-space:nowrap;font-size:13px}.chip.click{background:var(--accent);border-color:var(--accent);color:#fff}@media (prefers-color-scheme:dark){.chip.click{color:#0c1420}}.chip.unreadable{border-style:dashed;color:var(--soft)}
tr.wrong td,tr.missed td{background:var(--bad-ground)}tr.wrong td:last-child,tr.missed td:last-child{color:var(--bad);font-weight:600}
@media (max-width:640px){.stage{grid-template-columns:1fr auto}.track{grid-row:2;grid-column:1/-1}}
`;
