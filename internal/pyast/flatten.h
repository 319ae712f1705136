// The one call from Go into tree-sitter: parse (or reparse) and flatten the tree into records in preorder.
#ifndef CKPT_FLATTEN_H
#define CKPT_FLATTEN_H

#include "api.h"

// One node; Go reads the same 24 bytes as the struct `record`.
typedef struct {
  uint32_t start, end;  // byte offsets
  uint32_t parent;      // index; the root is its own parent
  uint32_t next;        // index of the next sibling, 0 for none
  uint16_t symbol;
  uint8_t field, flags;
  uint32_t last;        // index one past the last descendant
} ckpt_record;

enum { CKPT_MOST_DEPTH = 3000 };

// How long the parser may take, in nanoseconds of the processor: sound text takes about 150 a byte. Recovery from errors takes time that
// grows with the square of a long row of them.
enum { CKPT_MOST_TIME = 1000000000, CKPT_MOST_TIME_A_BYTE = 2000 };
enum { CKPT_NAMED = 1, CKPT_MISSING = 2, CKPT_ERROR = 4, CKPT_HAS_ERROR = 8, CKPT_EXTRA = 16 };

typedef struct {
  TSTree *tree;          // NULL when the parser gave up
  ckpt_record *records;  // malloc'd; NULL when memory ran out
  uint32_t count;
  bool too_deep;         // nodes stand in more than CKPT_MOST_DEPTH others; there are no records then
} ckpt_parsed;

ckpt_parsed ckpt_parse(TSParser *parser, TSTree *old, const char *source, uint32_t length);
ckpt_parsed ckpt_flatten(TSTree *tree);

#endif
