package report

// style is that of all pages: one column, whose width follows the window, in the colours of the reader's system.
const style = `
:root{color-scheme:light dark;--ink:#1f2328;--faint:#59636e;--line:#d1d9e0;--page:#fff;--shade:#f6f8fa;--good:#1a7f37;
--bad:#b3261e;--servers:#9a6700;--read:#1f6feb;--write:#8250df;--uncertain:#bf8700;--pause:#f2c1bd}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#9198a1;--line:#3d444d;--page:#0d1117;--shade:#161b22;
--good:#3fb950;--bad:#ff7b72;--servers:#d29922;--read:#58a6ff;--write:#bc8cff;--uncertain:#e3b341;--pause:#67302d}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1240px;padding:1.5rem 1rem 3rem;color:var(--ink);
background:var(--page);overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.2;margin:0}
h2{font-size:1.15rem;margin:2.2rem 0 .5rem}
h3{font-size:1rem;margin:1.2rem 0 .2rem}
p{margin:.4rem 0}
a{color:var(--read)}
.faint,dt,caption{color:var(--faint)}
.card{border:1px solid var(--line);border-left:6px solid var(--faint);border-radius:6px;padding:.7rem 1rem;
margin:1rem 0}
.card.kept{border-left-color:var(--good)}
.card.broken{border-left-color:var(--bad)}
.card .headline{font-size:1.3rem;line-height:1.35;margin:.1rem 0}
.card ul{margin:.4rem 0 0;padding-left:1.2rem}
.mark{font-weight:600;margin-left:.5rem}
.kept .mark{color:var(--good)}
.broken .mark,.broken li{color:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:1rem 0;font-size:.9rem}
dd{margin:0}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.25rem 1.2rem .25rem 0;border-bottom:1px solid var(--line);
font-weight:400}
thead th,tbody th[colspan]{font-weight:600}
.t{white-space:nowrap}
.bar{display:flex;height:1.4rem;background:var(--shade);border-radius:3px;overflow:hidden;margin:.2rem 0}
.bar i{display:block}
.bar .servers{background:var(--servers)}
.bar .added{background:var(--bad);min-width:2px}
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.3em}
svg{display:block;width:100%;background:var(--shade);border-radius:3px}
svg text{font:11px system-ui,sans-serif;fill:var(--faint)}
svg line{stroke:var(--line)}
svg .strike{stroke:var(--bad)}
svg .accepts{stroke:var(--good)}
svg .r,.key.r{fill:var(--read);background:var(--read)}
svg .w,.key.w{fill:var(--write);background:var(--write)}
svg .u,.key.u{fill:var(--uncertain);background:var(--uncertain)}
svg .e,.key.e{fill:var(--bad);background:var(--bad)}
svg .g{fill:var(--good)}
svg .pause{fill:var(--pause)}
summary{cursor:pointer;margin:1.2rem 0 .4rem}
.events td:last-child{overflow-wrap:anywhere}
.events td{font:12px/1.5 ui-monospace,monospace;padding-right:1rem}
ol.runs{list-style:none;padding:0}
@media(max-width:640px){
body{font-size:15px}
.card .headline{font-size:1.1rem}
th,td{padding-right:.5rem}
table{font-size:.8rem}
.events td{display:inline-block;border:0;padding:0 .8rem 0 0}
.events td:last-child{display:block;padding:0 0 .3rem;border-bottom:1px solid var(--line)}
}
@media print{details:not([open])>:not(summary){display:none}}
`
