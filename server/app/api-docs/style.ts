/** The colours of client/ui/theme.css, for a page that has to stand without the client. */
export const STYLE = `
:root{--bg:#f7f7f3;--surface:#fff;--sunken:#f0f0ea;--line:#e3e3da;--ink:#1d211d;--ink2:#535b52;--ink3:#636b62;--leaf:#2c6e4f;--leaf-soft:#e4efe8;--amber:#9a5b00;--amber-soft:#fbf0dc;--red:#b3372f;--red-soft:#fbe9e7;--blue:#2d5f9a;--blue-soft:#e6eef8}
@media(prefers-color-scheme:dark){:root{--bg:#141714;--surface:#1b1f1b;--sunken:#101310;--line:#2b312b;--ink:#e9ece6;--ink2:#b0b8ae;--ink3:#949d92;--leaf:#7cc79d;--leaf-soft:#1d3327;--amber:#e3b264;--amber-soft:#33291a;--red:#ee8b82;--red-soft:#3a211f;--blue:#8fb8e8;--blue-soft:#1d2b3c}}
*{box-sizing:border-box}
html{background:var(--bg);color:var(--ink);color-scheme:light dark;font-family:system-ui,'PingFang SC','HarmonyOS Sans SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;font-size:15px;line-height:1.65;scroll-padding-top:4.5rem;text-autospace:normal}
body{margin:0}
a{color:inherit;text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--leaf);outline-offset:2px}
code,pre{font-family:ui-monospace,'SFMono-Regular','Cascadia Mono',Consolas,'Noto Sans Mono CJK SC',monospace;font-size:.86em}
small{color:var(--ink3)}
header{position:sticky;top:0;z-index:1;display:flex;align-items:center;justify-content:space-between;gap:1rem;padding:.7rem 1.25rem;background:var(--bg);border-bottom:1px solid var(--line)}
header nav{display:flex;gap:1rem;color:var(--ink2);font-size:.87rem}
.brand{display:flex;align-items:center;gap:.5rem;font-weight:600}.brand svg{color:var(--leaf)}.brand small{font-weight:400}
.columns{display:grid;grid-template-columns:14rem minmax(0,1fr);gap:2rem;max-width:74rem;margin:0 auto;padding:1.5rem 1.25rem 6rem}
.contents ul{position:sticky;top:5rem;margin:0;padding:0;list-style:none;color:var(--ink2)}
.contents li{padding:.2rem 0}
.about{color:var(--ink2);max-width:46rem;margin:0 0 1.5rem}
section{margin-bottom:3rem}
h2{font-size:1.375rem;font-weight:600;margin:0 0 1rem}
h3{font-size:1.05rem;font-weight:600;margin:0}
h4{font-size:.75rem;font-weight:600;color:var(--ink3);margin:0 0 .25rem}
article{background:var(--surface);border:1px solid var(--line);border-radius:14px;padding:1.1rem 1.25rem;margin-bottom:1rem}
article:target{border-color:var(--leaf)}
.line{margin:.35rem 0 0;overflow-wrap:anywhere}
.method{display:inline-block;min-width:3.4rem;text-align:center;font-size:.72rem;padding:.1rem .45rem;border-radius:6px;background:var(--leaf-soft);color:var(--leaf)}
.method.post{background:var(--blue-soft);color:var(--blue)}
.method.put,.method.patch{background:var(--amber-soft);color:var(--amber)}
.method.delete{background:var(--red-soft);color:var(--red)}
.access{margin:.2rem 0 0;color:var(--ink2);font-size:.87rem}
.part{margin-top:.9rem;font-size:.9rem}
.part ul{margin:.15rem 0 0;padding-left:1rem;list-style:none;border-left:1px solid var(--line)}
.part li{padding:.08rem 0;overflow-wrap:anywhere}
.type{color:var(--ink2)}
.choice{margin-top:.35rem}
em{font-style:normal;font-size:.75rem;color:var(--amber)}
pre{margin:0;padding:.7rem .9rem;background:var(--sunken);border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line)}
th{font-size:.75rem;color:var(--ink3)}
td code{display:inline-block;margin-right:.6rem}
@media(width<48rem){html{font-size:16px}header{padding:.6rem 1rem;white-space:nowrap}.brand small{display:none}.columns{grid-template-columns:minmax(0,1fr);gap:1rem;padding:1rem 1rem 4rem}.contents ul{position:static;display:flex;flex-wrap:wrap;gap:.25rem 1rem}.contents a{display:inline-block;padding:.35rem 0}article{padding:1rem}}
@media print{header,.contents{display:none}.columns{display:block}article{break-inside:avoid}}
`
