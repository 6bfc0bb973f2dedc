"""Tools files, as docs/tools-file.md describes them: what one may declare, read and checked before anything is drawn.

Two sources draw from what is declared here: `synthetic` under names that it makes up, `own_tools` as it stands.
"""
