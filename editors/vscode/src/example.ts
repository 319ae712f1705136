import * as vscode from "vscode";

/** Opens a training script with findings, as a text that is not saved: the first thing to try. */
export async function openExample(extension: vscode.Uri): Promise<void> {
  const bytes = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extension, "dist", "example.py"));
  const document = await vscode.workspace.openTextDocument({ language: "python", content: new TextDecoder().decode(bytes) });
  await vscode.window.showTextDocument(document);
}
