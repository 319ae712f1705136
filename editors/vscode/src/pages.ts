import * as vscode from "vscode";
import type { WindowMiddleware } from "vscode-languageclient/node";

/** Shows the Markdown pages that the server asks to show as they are meant to be read. */
export const showPage: NonNullable<WindowMiddleware["showDocument"]> = async (params, token, next) => {
  const uri = vscode.Uri.parse(params.uri, true);
  if (params.external === true || !uri.path.endsWith(".md")) {
    return next(params, token);
  }
  await vscode.commands.executeCommand("markdown.showPreview", uri);
  return { success: true };
};
