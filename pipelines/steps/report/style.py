"""The page's style sheet: light, dark and print from the same few colours; no fonts and no images to load."""

CSS = """
:root{color-scheme:light dark;--page:#f6f6f3;--card:#fff;--ink:#171716;--soft:#55544f;--rule:#dcdbd5;--grid:#e9e8e3;
--axis:#8b8a83;--challenger:#1f66c2;--champion:#c2521a;--naive:#6d6c66;--good:#11622d;--good-back:#e3f3e7;
--kept:#7a4a00;--kept-back:#fdf0d8;--bad:#a3211c;--shade1:#d6e5f8;--shade2:#abcbf0;--shade3:#7eaee5;--shade4:#4f8dd6;
--shade5:#2a6cbc;--shade6:#154a8b;--bad-back:#fcebe9;--then:#cfcec7;--base:#e4e3dd;--warm1:#f7cfae;--warm2:#e5925a;
--warm3:#b5470f}
@media(prefers-color-scheme:dark){:root{--page:#131312;--card:#1d1d1b;--ink:#f1f0ec;--soft:#b9b8b0;--rule:#3a3a36;
--grid:#2c2c29;--axis:#83827a;--challenger:#6aa9f4;--champion:#f08a4b;--naive:#a3a29a;--good:#8fdba5;--good-back:#14301d;
--kept:#f3c878;--kept-back:#3a2a0d;--bad:#ff9a92;--shade1:#1c3350;--shade2:#214a7b;--shade3:#2a66ab;--shade4:#4287d3;
--shade5:#78aeea;--shade6:#c1dcf9;--bad-back:#351917;--then:#55544e;--base:#33332f;--warm1:#5c341c;--warm2:#a9592a;
--warm3:#f39a5f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"DejaVu Sans",sans-serif;overflow-wrap:break-word}
h1,h2,p,li,figcaption,th[scope=row],.code,.words,.checks div{min-width:0;overflow-wrap:anywhere}
main{max-width:1080px;margin:0 auto;padding:20px 16px 48px}
header p{margin:0;color:var(--soft);font-size:.875rem}
h1{font-size:1.6rem;line-height:1.25;margin:.1em 0 .7em}
header h1+p{margin:-.9em 0 1em}
h2{font-size:1.15rem;margin:0 0 .6em}
h3{font-size:1rem;margin:1.2em 0 .4em}
p{margin:.5em 0}
section{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:18px;margin:0 0 16px}
.verdict{border-left:6px solid var(--kept);background:var(--kept-back);color:var(--kept)}
.verdict.promoted{border-left-color:var(--good);background:var(--good-back);color:var(--good)}
.verdict.bad{border-left-color:var(--bad);background:var(--bad-back);color:var(--bad)}
.verdict h2{font-size:1.35rem;line-height:1.3;margin:0}
.verdict p{color:var(--ink);font-size:1.05rem;margin:.4em 0 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(138px,1fr));gap:10px;margin:0 0 16px;padding:0}
.facts div{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:10px 14px}
.facts dt{color:var(--soft);font-size:.8rem}
.facts dd{margin:0;font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.3}
.facts dd,.facts dt{overflow-wrap:anywhere}
.facts small{display:block;font-size:.8rem;font-weight:400;color:var(--soft)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,390px),1fr));gap:20px 28px}
figure{margin:0;min-width:0;max-width:520px}
figcaption{font-size:.875rem;color:var(--soft);margin:0 0 6px;min-height:2.6em}
figure.full{max-width:none;margin:0 0 18px}figure.full figcaption{min-height:0}
.plots.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr));margin:12px 0 0}
svg{display:block;width:100%;height:auto}
.narrow{max-width:520px}.wide{display:none}
@media(min-width:960px){.narrow{display:none}.wide{display:block}}
svg text{fill:var(--soft);font:11px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
svg .name{fill:var(--ink);font-size:13px}svg .value{fill:var(--ink);font-size:13px;font-weight:600}
svg .note{fill:var(--ink);font-size:11px}
.grid{stroke:var(--grid);stroke-width:1;fill:none}.axis{stroke:var(--axis);stroke-width:1;fill:none}
.rule{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3;fill:none}
.ideal{stroke:var(--axis);stroke-width:1;fill:none}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.line.challenger{stroke:var(--challenger)}.line.champion{stroke:var(--champion);stroke-dasharray:6 4}
.line.naive{stroke:var(--naive)}.line.solid{stroke-dasharray:none}.line.ideal{stroke:var(--axis);stroke-width:1}
.dot{stroke:var(--card);stroke-width:1}.dot.challenger{fill:var(--challenger)}.dot.champion{fill:var(--champion)}
.dot.naive{fill:var(--naive)}
.line.now,.line.tandem{stroke:var(--challenger)}.dot.now,.dot.tandem{fill:var(--challenger)}
.line.estimate,.line.frozen{stroke:var(--champion)}
.line.estimate:not(.solid),.line.frozen:not(.solid){stroke-dasharray:6 4}.dot.estimate,.dot.frozen{fill:var(--champion)}
.line.then{stroke:var(--naive)}.dot.then{fill:var(--naive)}.box.now{fill:var(--challenger)}.box.then{fill:var(--then)}.box.base{fill:var(--base)}
.line.fill.then{stroke:var(--then)}.line.fill.base{stroke:var(--base)}
.limit,.since{stroke:var(--bad);fill:none}.limit,.line.limit{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:5 3}
.since{stroke-width:1.5}.change{stroke:var(--axis);stroke-width:1;fill:none}svg .alert{fill:var(--bad);font-size:12px}
.warm1{fill:var(--warm1)}.warm2{fill:var(--warm2)}.warm3{fill:var(--warm3)}
.line.shade1{stroke:var(--shade1)}.line.shade2{stroke:var(--shade2)}.line.warm1{stroke:var(--warm1)}
.line.warm2{stroke:var(--warm2)}.line.warm3{stroke:var(--warm3)}
.meter{display:inline-block;width:60px;height:10px;margin-right:8px}.metered,.stat{white-space:nowrap}
td .words{white-space:normal;display:inline-block;min-width:5em}.stat small{display:block;color:var(--soft)}
.meter path{fill:none;stroke-width:6;stroke:var(--challenger)}.meter .meter-track{stroke:var(--base)}
.meter .meter-over{stroke:var(--champion)}.meter .meter-limit{stroke:var(--ink);stroke-width:1.5}
.checks{list-style:none;margin:0;padding:0}
.checks li{display:grid;grid-template-columns:190px 1fr;gap:2px 18px;padding:8px 0;border-top:1px solid var(--rule)}
.checks li:first-child{border-top:0;padding-top:0}.checks div>*{display:block}.checks small{color:var(--soft)}
.dot.alarmed{fill:var(--bad)}.dot.good{fill:var(--good)}.box.ahead{fill:var(--warm1);opacity:.55}.box.stretch{fill:var(--base);opacity:.6}
.line.stretch{stroke:var(--base)}
.line.ahead{stroke:var(--warm1)}
.month{border-top:1px solid var(--rule);padding:2px 0 12px}.month h3{margin:.6em 0 .3em}
.events{list-style:none;margin:0;padding:0;font-size:.925rem}
.event{display:grid;grid-template-columns:112px minmax(0,1fr);gap:0 12px;padding:2px 0}
.event div{overflow-wrap:anywhere}
.when{color:var(--soft);font-variant-numeric:tabular-nums}.event.alarmed strong{color:var(--bad)}
.event.good strong{color:var(--good)}
.aside{border-left:3px solid var(--champion);padding:2px 0 2px 14px;margin:18px 0 0}.aside h3{margin-top:0}
.band{opacity:.22}.band.challenger,.box.challenger{fill:var(--challenger)}.box.champion{fill:var(--champion)}
.line.fill{stroke-width:9;stroke-dasharray:none;stroke-linecap:butt}
.shade1{fill:var(--shade1)}.shade2{fill:var(--shade2)}.shade3{fill:var(--shade3)}.shade4{fill:var(--shade4)}
.shade5{fill:var(--shade5)}.shade6{fill:var(--shade6)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;margin:6px 0 0;padding:0;font-size:.85rem;
color:var(--soft)}
.legend li{display:flex;align-items:center;gap:7px}.key{width:26px;height:12px;flex:none}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);font-size:.875rem;padding:0 0 6px}
th,td{text-align:left;padding:6px 12px 6px 0;border-top:1px solid var(--rule);vertical-align:top;font-weight:400}
th[scope=row]{min-width:10em}
thead th{border-top:0;color:var(--soft);font-size:.8rem}
td.right,th.right{text-align:right;white-space:nowrap}
.holds{color:var(--good);font-weight:600}.fails{color:var(--bad);font-weight:600}
code,.code{font:.85em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.quiet{color:var(--soft)}
@media(max-width:620px){main{padding:14px 10px 32px}section{padding:14px 12px}h1{font-size:1.35rem}
.facts{grid-template-columns:1fr 1fr}.checks li,.event{grid-template-columns:1fr}figcaption{min-height:0}
svg text,svg .note,svg .alert{font-size:13px}svg .name,svg .value{font-size:15px}
table.stacks thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.stacks,table.stacks tbody,table.stacks caption{display:block}
table.stacks tr{display:block;border-top:1px solid var(--rule);padding:6px 0}
table.stacks th,table.stacks td{display:flex;justify-content:space-between;gap:14px;border:0;padding:1px 0;
text-align:right}
table.stacks th[scope=row]{font-weight:600;text-align:left}
table.stacks td{overflow-wrap:anywhere}table.list td{display:block;text-align:left}
table.stacks td[data-label]::before{content:attr(data-label);color:var(--soft);text-align:left;flex:none}}
@media print{:root{color-scheme:light;--page:#fff;--card:#fff}body{font-size:11pt}main{max-width:none;padding:0}
section,figure,tr{break-inside:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
