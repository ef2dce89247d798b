"""The style of the page: one column, light or dark; wide tables scroll in their own box."""

CSS = """
:root { color-scheme: light dark; --back: #fdfdfb; --text: #1d1d1b; --soft: #5c5c57; --line: #d9d9d2; --card: #ffffff;
  --good: #00614a; --bad: #a13d00; --open: #5a5a55; --link: #005a8c; }
@media (prefers-color-scheme: dark) { :root { --back: #17181a; --text: #e8e8e4; --soft: #a9a9a2; --line: #3a3c40;
  --card: #1f2124; --good: #4fd1a5; --bad: #ff9d5c; --open: #b5b5ae; --link: #7cc4f0; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem 1rem 4rem; background: var(--back); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .6rem 0; } h2 { font-size: 1.3rem; margin: 0 0 .3rem; }
h3 { font-size: 1.05rem; margin: 0 0 .3rem; } a { color: var(--link); }
section { border-top: 2px solid var(--line); margin-top: 2.5rem; padding-top: 1.2rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 1rem 0; }
.soft { color: var(--soft); font-size: .9rem; }
.badge { display: inline-block; border: 1.5px solid currentColor; border-radius: 1rem; padding: 0 .6rem;
  font-weight: 600; font-size: .9rem; white-space: nowrap; }
.supported { color: var(--good); } .not-supported { color: var(--bad); } .inconclusive { color: var(--open); }
.failed { border-left: .3rem solid var(--bad); padding: .3rem .8rem; }
.notice { border: 1px solid var(--line); border-left: .3rem solid var(--link); padding: .5rem .8rem; border-radius: .3rem; }
figure { margin: .8rem 0; } figcaption { color: var(--soft); font-size: .85rem; }
img { display: block; width: 100%; max-width: 54rem; height: auto; background: #fff; border-radius: .4rem; }
.scroll { overflow-x: auto; max-width: 100%; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { font-weight: 600; white-space: nowrap; } td { white-space: nowrap; } td.text { white-space: normal; min-width: 13rem; }
pre { overflow-x: auto; background: var(--back); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem;
  font-size: .8rem; } code { font-size: .9em; } summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .9rem; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; }
@media (max-width: 32rem) { th, td { padding: .3rem .35rem; } td.text { min-width: 8.5rem; } dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; } article { padding: .8rem; } }
"""
