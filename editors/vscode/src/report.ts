import { execFile } from "node:child_process";
import * as path from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";

/** What the extension's manifest says of where problems are reported. */
export interface Manifest {
  readonly version: string;
  readonly bugs: { readonly url: string };
}

/**
 * Writes what a bug report needs into a document: what ckpt-lsp debug prints of the file that is edited, or else of the workspace, and the
 * versions. Nothing is sent: the person reads it, and is led to the forms.
 */
export async function reportProblem(server: string | undefined, manifest: Manifest): Promise<void> {
  if (server === undefined) {
    throw new Error("the server does not run; the log tells why");
  }
  const edited = vscode.window.activeTextEditor?.document;
  const file = edited?.languageId === "python" && edited.uri.scheme === "file" ? edited.uri : undefined;
  const folder = file && vscode.workspace.getWorkspaceFolder(file);
  const cwd = (folder ?? (file ? undefined : vscode.workspace.workspaceFolders?.[0]))?.uri.fsPath ?? (file && path.dirname(file.fsPath));
  if (cwd === undefined) {
    throw new Error("open the file or the folder that the problem is about first");
  }
  const { stdout } = await promisify(execFile)(server, ["debug", file ? path.relative(cwd, file.fsPath) : "."], { cwd, windowsHide: true, maxBuffer: 1 << 26 });
  const remote = vscode.env.remoteName === undefined ? "" : `, remote: ${vscode.env.remoteName}`;
  const content = `# What you did, what happened, and what you expected



# The smallest file that shows it

\`\`\`python
\`\`\`

# What \`ckpt-lsp debug\` prints

\`\`\`text
${vscode.env.appName} ${vscode.version}${remote}, extension ${manifest.version}
${stdout.trimEnd()}
\`\`\`
`;
  const report = await vscode.workspace.openTextDocument({ language: "markdown", content });
  await vscode.window.showTextDocument(report);
  void lead(report, `${manifest.bugs.url}/new/choose`);
}

/** Leads to the forms, with the text of the report in the clipboard. */
async function lead(report: vscode.TextDocument, forms: string): Promise<void> {
  const copy = "Copy It and Open the Form";
  const choice = await vscode.window.showInformationMessage("ckpt-lsp: fill in the report. Nothing of it is sent by itself.", copy);
  if (choice === copy) {
    await vscode.env.clipboard.writeText(report.getText());
    await vscode.env.openExternal(vscode.Uri.parse(forms, true));
  }
}
