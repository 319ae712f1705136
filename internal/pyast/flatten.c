#include "flatten.h"

#include <stdlib.h>
#include <time.h>

// Anonymous tokens carry no information beyond their parent's kind unless the grammar gives them a field (operators).
static bool keeps(TSNode node, TSFieldId field) {
  return ts_node_is_named(node) || field != 0 || ts_node_is_missing(node);
}

ckpt_parsed ckpt_flatten(TSTree *tree) {
  ckpt_parsed out = {tree, NULL, 0, false};
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
        if (++depth > CKPT_MOST_DEPTH) { ts_tree_cursor_delete(&cursor); out.too_deep = true; goto fail; }
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

// A source is handed to the parser in pieces; before each the processor's time is looked at.
typedef struct {
  const char *source;
  uint32_t length;
  struct timespec until;
  size_t cancel;
} input;

enum { PIECE = 1024 };

static const char *next_piece(void *payload, uint32_t at, TSPoint position, uint32_t *size) {
  (void)position;
  input *in = payload;
#ifdef CLOCK_THREAD_CPUTIME_ID
  struct timespec now;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0 &&
      (now.tv_sec > in->until.tv_sec || (now.tv_sec == in->until.tv_sec && now.tv_nsec > in->until.tv_nsec)))
    in->cancel = 1;
#endif
  uint32_t left = at < in->length ? in->length - at : 0;
  *size = left < PIECE ? left : PIECE;
  return left ? in->source + at : "";
}

ckpt_parsed ckpt_parse(TSParser *parser, TSTree *old, const char *source, uint32_t length) {
  input in = {source, length, {0, 0}, 0};
#ifdef CLOCK_THREAD_CPUTIME_ID
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &in.until);
  uint64_t most = in.until.tv_nsec + CKPT_MOST_TIME + (uint64_t)length * CKPT_MOST_TIME_A_BYTE;
  in.until.tv_sec += most / 1000000000;
  in.until.tv_nsec = most % 1000000000;
#endif
  TSInput read = {&in, next_piece, TSInputEncodingUTF8};
  ts_parser_set_cancellation_flag(parser, &in.cancel);
  TSTree *tree = ts_parser_parse(parser, old, read);
  ts_parser_set_cancellation_flag(parser, NULL);
  ts_parser_reset(parser);
  if (!tree) {
    ckpt_parsed none = {NULL, NULL, 0, false};
    return none;
  }
  return ckpt_flatten(tree);
}
