/** A timeline as the server hands it out. */
export interface Drawn {
  readonly title: string;
  readonly svg: string;
  readonly text: string;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A text as it stands in HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => entities[c] ?? c);
}

/**
 * The page of a panel: the picture, and the same as text for those who read it so. It runs no script and loads nothing; another, where it is
 * named, is a command that is offered as a link.
 */
export function page({ title, svg, text }: Drawn, another: { readonly command: string; readonly says: string }): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>
body { padding: 12px; }
svg { max-width: 100%; height: auto; }
pre { overflow-x: auto; font-family: var(--vscode-editor-font-family, monospace); }
</style>
</head>
<body>
${svg}
<p><a href="command:${escaped(another.command)}">${escaped(another.says)}</a></p>
<details><summary>As text</summary><pre>${escaped(text)}</pre></details>
</body>
</html>
`;
}
