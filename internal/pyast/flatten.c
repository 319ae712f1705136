#include "flatten.h"

#include <stdlib.h>

// Anonymous tokens carry no information beyond their parent's kind unless the grammar gives them a field (operators).
static bool keeps(TSNode node, TSFieldId field) {
  return ts_node_is_named(node) || field != 0 || ts_node_is_missing(node);
}

ckpt_parsed ckpt_flatten(TSTree *tree) {
  ckpt_parsed out = {tree, NULL, 0};
  uint32_t capacity = 256, depth = 0, open_capacity = 64;
  ckpt_record *records = malloc(capacity * sizeof *records);
  // open[d] is the kept node at depth d; before[d] its last kept child.
  uint32_t *open = malloc(open_capacity * sizeof *open), *before = malloc(open_capacity * sizeof *before);
  if (!records || !open || !before) goto fail;

  TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
  uint32_t n = 0;
  for (;;) {
    TSNode node = ts_tree_cursor_current_node(&cursor);
    TSFieldId field = depth ? ts_tree_cursor_current_field_id(&cursor) : 0;
    if (depth == 0 || keeps(node, field)) {
      if (n == capacity) {
        capacity *= 2;
        ckpt_record *more = realloc(records, (size_t)capacity * sizeof *records);
        if (!more) { ts_tree_cursor_delete(&cursor); goto fail; }
        records = more;
      }
      if (depth + 1 >= open_capacity) {
        open_capacity *= 2;
        uint32_t *more_open = realloc(open, (size_t)open_capacity * sizeof *open);
        if (more_open) open = more_open;
        uint32_t *more_before = realloc(before, (size_t)open_capacity * sizeof *before);
        if (more_before) before = more_before;
        if (!more_open || !more_before) { ts_tree_cursor_delete(&cursor); goto fail; }
      }
      ckpt_record *r = &records[n];
      r->start = ts_node_start_byte(node);
      r->end = ts_node_end_byte(node);
      r->symbol = ts_node_symbol(node);
      r->field = (uint8_t)field;
      r->flags = (ts_node_is_named(node) ? CKPT_NAMED : 0) | (ts_node_is_missing(node) ? CKPT_MISSING : 0) |
                 (ts_node_is_error(node) ? CKPT_ERROR : 0) | (ts_node_has_error(node) ? CKPT_HAS_ERROR : 0) |
                 (ts_node_is_extra(node) ? CKPT_EXTRA : 0);
      r->next = 0;
      r->last = n + 1;
      r->parent = depth ? open[depth - 1] : 0;
      if (depth && before[depth - 1]) records[before[depth - 1]].next = n;
      if (depth) before[depth - 1] = n;
      open[depth] = n;
      before[depth] = 0;
      n++;
      if (ts_tree_cursor_goto_first_child(&cursor)) {
        depth++;
        continue;
      }
    }
    while (!ts_tree_cursor_goto_next_sibling(&cursor)) {
      if (depth == 0 || !ts_tree_cursor_goto_parent(&cursor)) goto done;
      depth--;
      records[open[depth]].last = n;
    }
    continue;
  }
done:
  ts_tree_cursor_delete(&cursor);
  free(open);
  free(before);
  records[0].last = n;
  out.records = records;
  out.count = n;
  return out;
fail:
  free(records);
  free(open);
  free(before);
  return out;
}

ckpt_parsed ckpt_parse(TSParser *parser, TSTree *old, const char *source, uint32_t length) {
  TSTree *tree = ts_parser_parse_string(parser, old, source, length);
  ts_parser_reset(parser);
  if (!tree) {
    ckpt_parsed none = {NULL, NULL, 0};
    return none;
  }
  return ckpt_flatten(tree);
}
