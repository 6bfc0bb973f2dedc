"""Texts that a model could say, odd enough that a careless decoder would read them differently.

Nothing here does harm when evaluated, because the official decoder evaluates it.
"""

_VALUES = r"""
1 ¦ -1 ¦ +1 ¦ ~1 ¦ --1 ¦ -True ¦ not True ¦ -'a' ¦ -x ¦ - -1 ¦ +-1 ¦ -1.5 ¦ -1j ¦ 1e999 ¦ -1e999 ¦ 0x1F ¦ 0b11
1_000 ¦ 007 ¦ 1. ¦ .5 ¦ 1e-3
'a' ¦ "a" ¦ '''a''' ¦ "it's" ¦ 'it"s' ¦ '\n' ¦ '\d' ¦ r'\d' ¦ b'a' ¦ u'a' ¦ f'a' ¦ f'{1}' ¦ 'a' 'b' ¦ 'a' f'b'
'\ud800' ¦ 'é' ¦ '日本' ¦ ''
true ¦ True ¦ null ¦ None ¦ nan ¦ inf ¦ ... ¦ Ellipsis ¦ __debug__ ¦ x.y ¦ x.y.z ¦ x[0] ¦ x[0:2] ¦ x[a, b]
x[0][1] ¦ x.y[0] ¦ 'abc'[0] ¦ [1, 2][0]
[] ¦ [1, 2] ¦ [1, 'a', [True, None]] ¦ [x, y] ¦ [-1, +2] ¦ [*x] ¦ [1, *[2]] ¦ () ¦ (1) ¦ (1,) ¦ (1, 2)
((1, 2), 3) ¦ (x,)
{} ¦ {'a': 1} ¦ {'a': {'b': [1]}} ¦ {a: 1} ¦ {1: 2} ¦ {(1, 2): 3} ¦ {[1]: 2} ¦ {**a} ¦ {'a': 1, 'a': 2}
{1, 2} ¦ {'a'} ¦ {1: 1, True: 2}
g() ¦ g(1) ¦ g(1, 2) ¦ g(x=1) ¦ g(1, x=2) ¦ g(h(x=1)) ¦ g(x=h(y=2)) ¦ a.b(x=1) ¦ a.b(1) ¦ g(**k) ¦ g(*a)
g()(x=1) ¦ [g(x=1)] ¦ g()[0] ¦ -g()
1+1 ¦ 1+1.5 ¦ 2*3.1416 ¦ 10/2 ¦ 10/4 ¦ 7//2 ¦ 7%3 ¦ -7//2 ¦ 2**10 ¦ 2**-1 ¦ 2**0.5 ¦ (-8)**0.5 ¦ 1<<4 ¦ 256>>2
6&3 ¦ 6 | 3^5 ¦ 5/0 ¦ 5%0 ¦ 1<<-1 ¦ 1-2-3
(1+2)*3 ¦ -(1+2) ¦ -5+3 ¦ +5*2 ¦ ~5+0 ¦ (not True)+1 ¦ True+True ¦ 1+2j ¦ 0.1+0.2 ¦ 'a'+'b' ¦ 'a'+1 ¦ 'ab'*3
3*'ab' ¦ 'a'*-1 ¦ 'a'*2.5 ¦ x+1 ¦ 1+x
[1]+[2] ¦ [0]*3 ¦ (1,)+(2,) ¦ (0,)*2 ¦ [1]+(2,) ¦ {'a': 1}+1 ¦ [[1]*2]*2 ¦ [1+1, 2*3] ¦ {'a': 1+1} ¦ (1+1, 2)
None+1 ¦ ...+1 ¦ b'a'+b'b'
1 if x else 2 ¦ 1 and 2 ¦ 1 or 2 ¦ 1 < 2 ¦ 1 == 1 ¦ x in y ¦ lambda: 1 ¦ lambda x: x ¦ [x for x in y]
(x for x in y) ¦ {x: 1 for x in y}
x := 1 ¦ (x := 1) ¦ yield ¦ await x ¦ print ¦ import os ¦ a b ¦ 1 2 ¦ 'a ¦ a' ¦ [1 ¦ 1] ¦ (1, {1: 2 ¦ $ ¦ ?
@ ¦ ! ¦ # ¦ \ ¦ \x ¦ ; ¦ : ¦ = ¦ == ¦ -> ¦ , ¦ , ,
{'a': 1} | {'b': 2}
"""

_SHAPES = r"""
[f()] ¦ f() ¦ [f(a=1)] ¦ f(a=1) ¦ [f(a=1) ¦ f(a=1)] ¦ f(a=1), ¦ [f(a=1),] ¦ [f(a=1)]] ¦ [[f(a=1)] ¦ [[f(a=1)]]
f ¦ ] ¦ [ ¦ [] ¦ {} ¦ () ¦ `` ¦ ' ¦ '' ¦ ''' ¦ ""
[f(1)] ¦ [f(1,a=2)] ¦ [f(a=1,2)] ¦ [f(*x)] ¦ [f(**x)] ¦ [f(**{'a':1})] ¦ [f(a=1,**x)] ¦ [f(a=1,a=2)] ¦ [f(,)]
[f(a=)] ¦ [f(=1)] ¦ [f(a)]
[a.b(c=1)] ¦ [a.b(c=1).d(e=2)] ¦ [a.b.c.d(e=1)] ¦ [f()(a=1)] ¦ [f[0](a=1)] ¦ ['f'(a=1)] ¦ [(f)(a=1)]
[(f(a=1))] ¦ (f(a=1)) ¦ {f(a=1)}
`f(a=1)` ¦ ```f(a=1)``` ¦ ```[f(a=1)]``` ¦ '[f(a=1)]' ¦ "[f(a=1)]" ¦ '[f(a=1)] ¦ [f(a=1)]' ¦ [f(a=1);g(b=2)]
f(a=1);g(b=2) ¦ [f(a=1)];
[f(a=1)]. ¦ [f(a=1)]! ¦ [f(a=1)][0] ¦ [f](a=1)#] ¦ [f(a=1)]# ¦ [f(a=1)]#] ¦ [f(a=1)],[g(b=2)] ¦ f(a=1),g(b=2)
[f(a=1),1] ¦ [1] ¦ [x] ¦ [x,f()]
[f(a=1)+g(b=2)] ¦ [f(a=1) if x else g()] ¦ [-f(a=1)] ¦ [not f()] ¦ [f(a=1) for x in y] ¦ [*f()] ¦ [*[f()]]
[f(a:=1)] ¦ [f(a==1)] ¦ [class (a=1)]
[f-g(a=1)] ¦ [f g(a=1)] ¦ [1f(a=1)] ¦ [f1(a=1)] ¦ [été(a=1)] ¦ [f(été=1)] ¦ [ｆ(a=1)] ¦ [f(class=1)]
[f(True=1)] ¦ [print(a=1)] ¦ [f(a.b=1)]
<tool_call>f(a=1)</tool_call> ¦ {"name":"f","arguments":{}} ¦ [{"name":"f"}] ¦ [{"f":{"a":1}}] ¦ f(a=1) g(b=2)
$f(a=1) ¦ f(a=1)$
"""

_WRAPPED = (
    "{}",
    " {} ",
    "\n{}\n",
    "\t{}",
    "{}\t",
    "{}\r\n",
    "\ufeff{}",
    "```\n{}\n```",
    "```json\n{}\n```",
    "```python\n{}\n```",
    "```tool_code\n{}\n```",
    "Sure! {}",
    "{} Done.",
    "{}\n{}",
    "{}\n\n\n",
    "# a comment\n{}",
    "{} # a comment",
    "{}\x00",
    "{}\x0c",
    "{}\\",
    "'{}'",
    "<think>hm</think>{}",
)


def _items(table: str) -> list[str]:
    return [item for line in table.strip("\n").split("\n") for item in line.split(" ¦ ")]


def nasty_texts() -> list[str]:
    """All of them."""
    values = _items(_VALUES)
    texts = [*_items(_SHAPES), "", " ", "\n", "`", "I cannot do that.", "No function fits, sorry", "f(a=1) and g(b=2)"]
    texts += [f"[f(a={value})]" for value in values]
    texts += [f"f(b='x', a=[{value}])" for value in values]
    texts += [f"[f(a={{'k': {value}}})]" for value in values]
    texts += [f"[f({value})]" for value in values]
    texts += [wrapper.replace("{}", shape) for wrapper in _WRAPPED for shape in ("[f(a=1)]", "f(a='x y')", "[]", "no")]
    texts += ["[f(a=" + "[" * depth + "]" * depth + ")]" for depth in (1, 50, 150, 197, 198, 199, 300)]
    texts += ["[" + "f(a=1)," * 500 + "]", "[f(a='" + "x" * 50_000 + "')]", "[f(a=" + "9" * 4300 + ")]"]
    texts += ["[f(a='a\\\nb')]", "[f(a='''a\nb''')]", "[f(a=1,\nb=2)]", "[f(a='\ud800')]", "[f(a='\x00')]"]
    return texts
