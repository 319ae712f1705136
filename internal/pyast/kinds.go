// Kinds and fields of the pinned grammar (tree-sitter-python 0.23.6). TestKindsMatchGrammar holds them to it.

package pyast

// Kind names a node's grammar symbol.
type Kind uint16

// Named node kinds.
const (
	KindNone                    Kind = 0
	KindIdentifier              Kind = 1
	KindEllipsis                Kind = 88
	KindEscapeSequence          Kind = 89
	KindTypeConversion          Kind = 92
	KindInteger                 Kind = 93
	KindFloat                   Kind = 94
	KindTrue                    Kind = 96
	KindFalse                   Kind = 97
	KindNoneLiteral             Kind = 98
	KindComment                 Kind = 99
	KindLineContinuation        Kind = 100
	KindStringStart             Kind = 104
	KindEscapeInterpolation     Kind = 106
	KindStringEnd               Kind = 107
	KindModule                  Kind = 108
	KindImportStatement         Kind = 111
	KindImportPrefix            Kind = 112
	KindRelativeImport          Kind = 113
	KindFutureImportStatement   Kind = 114
	KindImportFromStatement     Kind = 115
	KindAliasedImport           Kind = 117
	KindWildcardImport          Kind = 118
	KindPrintStatement          Kind = 119
	KindChevron                 Kind = 120
	KindAssertStatement         Kind = 121
	KindExpressionStatement     Kind = 122
	KindNamedExpression         Kind = 123
	KindReturnStatement         Kind = 125
	KindDeleteStatement         Kind = 126
	KindRaiseStatement          Kind = 127
	KindPassStatement           Kind = 128
	KindBreakStatement          Kind = 129
	KindContinueStatement       Kind = 130
	KindIfStatement             Kind = 131
	KindElifClause              Kind = 132
	KindElseClause              Kind = 133
	KindMatchStatement          Kind = 134
	KindCaseClause              Kind = 136
	KindForStatement            Kind = 137
	KindWhileStatement          Kind = 138
	KindTryStatement            Kind = 139
	KindExceptClause            Kind = 140
	KindExceptGroupClause       Kind = 141
	KindFinallyClause           Kind = 142
	KindWithStatement           Kind = 143
	KindWithClause              Kind = 144
	KindWithItem                Kind = 145
	KindFunctionDefinition      Kind = 146
	KindParameters              Kind = 147
	KindLambdaParameters        Kind = 148
	KindListSplat               Kind = 149
	KindDictionarySplat         Kind = 150
	KindGlobalStatement         Kind = 151
	KindNonlocalStatement       Kind = 152
	KindExecStatement           Kind = 153
	KindTypeAliasStatement      Kind = 154
	KindClassDefinition         Kind = 155
	KindTypeParameter           Kind = 156
	KindParenthesizedListSplat  Kind = 157
	KindArgumentList            Kind = 158
	KindDecoratedDefinition     Kind = 159
	KindDecorator               Kind = 160
	KindBlock                   Kind = 161
	KindExpressionList          Kind = 162
	KindDottedName              Kind = 163
	KindCasePattern             Kind = 164
	KindUnionPattern            Kind = 167
	KindDictPattern             Kind = 170
	KindKeywordPattern          Kind = 172
	KindSplatPattern            Kind = 173
	KindClassPattern            Kind = 174
	KindComplexPattern          Kind = 175
	KindTuplePattern            Kind = 180
	KindListPattern             Kind = 181
	KindDefaultParameter        Kind = 182
	KindTypedDefaultParameter   Kind = 183
	KindListSplatPattern        Kind = 184
	KindDictionarySplatPattern  Kind = 185
	KindAsPattern               Kind = 186
	KindNotOperator             Kind = 190
	KindBooleanOperator         Kind = 191
	KindBinaryOperator          Kind = 192
	KindUnaryOperator           Kind = 193
	KindComparisonOperator      Kind = 196
	KindLambda                  Kind = 197
	KindLambdaWithinForInClause Kind = 198
	KindAssignment              Kind = 199
	KindAugmentedAssignment     Kind = 200
	KindPatternList             Kind = 201
	KindYield                   Kind = 203
	KindAttribute               Kind = 204
	KindSubscript               Kind = 205
	KindSlice                   Kind = 206
	KindCall                    Kind = 207
	KindTypedParameter          Kind = 208
	KindType                    Kind = 209
	KindSplatType               Kind = 210
	KindGenericType             Kind = 211
	KindUnionType               Kind = 212
	KindConstrainedType         Kind = 213
	KindMemberType              Kind = 214
	KindKeywordArgument         Kind = 215
	KindList                    Kind = 216
	KindSet                     Kind = 217
	KindTuple                   Kind = 218
	KindDictionary              Kind = 219
	KindPair                    Kind = 220
	KindListComprehension       Kind = 221
	KindDictionaryComprehension Kind = 222
	KindSetComprehension        Kind = 223
	KindGeneratorExpression     Kind = 224
	KindParenthesizedExpression Kind = 226
	KindForInClause             Kind = 228
	KindIfClause                Kind = 229
	KindConditionalExpression   Kind = 230
	KindConcatenatedString      Kind = 231
	KindString                  Kind = 232
	KindStringContent           Kind = 233
	KindInterpolation           Kind = 234
	KindFormatSpecifier         Kind = 237
	KindAwait                   Kind = 238
	KindPositionalSeparator     Kind = 239
	KindKeywordSeparator        Kind = 240
	KindAsPatternTarget         Kind = 273
	KindFormatExpression        Kind = 274
	// KindError is a stretch of text that fits no rule of the grammar.
	KindError Kind = 0xFFFF
)

// Field names a child's role in its parent.
type Field uint8

// Fields of the grammar.
const (
	FieldNone            Field = 0
	FieldAlias           Field = 1
	FieldAlternative     Field = 2
	FieldArgument        Field = 3
	FieldArguments       Field = 4
	FieldAttribute       Field = 5
	FieldBody            Field = 6
	FieldCause           Field = 7
	FieldCode            Field = 8
	FieldCondition       Field = 9
	FieldConsequence     Field = 10
	FieldDefinition      Field = 11
	FieldExpression      Field = 12
	FieldFormatSpecifier Field = 13
	FieldFunction        Field = 14
	FieldGuard           Field = 15
	FieldKey             Field = 16
	FieldLeft            Field = 17
	FieldModuleName      Field = 18
	FieldName            Field = 19
	FieldObject          Field = 20
	FieldOperator        Field = 21
	FieldOperators       Field = 22
	FieldParameters      Field = 23
	FieldReturnType      Field = 24
	FieldRight           Field = 25
	FieldSubject         Field = 26
	FieldSubscript       Field = 27
	FieldSuperclasses    Field = 28
	FieldType            Field = 29
	FieldTypeConversion  Field = 30
	FieldTypeParameters  Field = 31
	FieldValue           Field = 32
)

var kindNames = map[Kind]string{
	KindIdentifier:              "identifier",
	KindEllipsis:                "ellipsis",
	KindEscapeSequence:          "escape_sequence",
	KindTypeConversion:          "type_conversion",
	KindInteger:                 "integer",
	KindFloat:                   "float",
	KindTrue:                    "true",
	KindFalse:                   "false",
	KindNoneLiteral:             "none",
	KindComment:                 "comment",
	KindLineContinuation:        "line_continuation",
	KindStringStart:             "string_start",
	KindEscapeInterpolation:     "escape_interpolation",
	KindStringEnd:               "string_end",
	KindModule:                  "module",
	KindImportStatement:         "import_statement",
	KindImportPrefix:            "import_prefix",
	KindRelativeImport:          "relative_import",
	KindFutureImportStatement:   "future_import_statement",
	KindImportFromStatement:     "import_from_statement",
	KindAliasedImport:           "aliased_import",
	KindWildcardImport:          "wildcard_import",
	KindPrintStatement:          "print_statement",
	KindChevron:                 "chevron",
	KindAssertStatement:         "assert_statement",
	KindExpressionStatement:     "expression_statement",
	KindNamedExpression:         "named_expression",
	KindReturnStatement:         "return_statement",
	KindDeleteStatement:         "delete_statement",
	KindRaiseStatement:          "raise_statement",
	KindPassStatement:           "pass_statement",
	KindBreakStatement:          "break_statement",
	KindContinueStatement:       "continue_statement",
	KindIfStatement:             "if_statement",
	KindElifClause:              "elif_clause",
	KindElseClause:              "else_clause",
	KindMatchStatement:          "match_statement",
	KindCaseClause:              "case_clause",
	KindForStatement:            "for_statement",
	KindWhileStatement:          "while_statement",
	KindTryStatement:            "try_statement",
	KindExceptClause:            "except_clause",
	KindExceptGroupClause:       "except_group_clause",
	KindFinallyClause:           "finally_clause",
	KindWithStatement:           "with_statement",
	KindWithClause:              "with_clause",
	KindWithItem:                "with_item",
	KindFunctionDefinition:      "function_definition",
	KindParameters:              "parameters",
	KindLambdaParameters:        "lambda_parameters",
	KindListSplat:               "list_splat",
	KindDictionarySplat:         "dictionary_splat",
	KindGlobalStatement:         "global_statement",
	KindNonlocalStatement:       "nonlocal_statement",
	KindExecStatement:           "exec_statement",
	KindTypeAliasStatement:      "type_alias_statement",
	KindClassDefinition:         "class_definition",
	KindTypeParameter:           "type_parameter",
	KindParenthesizedListSplat:  "parenthesized_list_splat",
	KindArgumentList:            "argument_list",
	KindDecoratedDefinition:     "decorated_definition",
	KindDecorator:               "decorator",
	KindBlock:                   "block",
	KindExpressionList:          "expression_list",
	KindDottedName:              "dotted_name",
	KindCasePattern:             "case_pattern",
	KindUnionPattern:            "union_pattern",
	KindDictPattern:             "dict_pattern",
	KindKeywordPattern:          "keyword_pattern",
	KindSplatPattern:            "splat_pattern",
	KindClassPattern:            "class_pattern",
	KindComplexPattern:          "complex_pattern",
	KindTuplePattern:            "tuple_pattern",
	KindListPattern:             "list_pattern",
	KindDefaultParameter:        "default_parameter",
	KindTypedDefaultParameter:   "typed_default_parameter",
	KindListSplatPattern:        "list_splat_pattern",
	KindDictionarySplatPattern:  "dictionary_splat_pattern",
	KindAsPattern:               "as_pattern",
	KindNotOperator:             "not_operator",
	KindBooleanOperator:         "boolean_operator",
	KindBinaryOperator:          "binary_operator",
	KindUnaryOperator:           "unary_operator",
	KindComparisonOperator:      "comparison_operator",
	KindLambda:                  "lambda",
	KindLambdaWithinForInClause: "lambda",
	KindAssignment:              "assignment",
	KindAugmentedAssignment:     "augmented_assignment",
	KindPatternList:             "pattern_list",
	KindYield:                   "yield",
	KindAttribute:               "attribute",
	KindSubscript:               "subscript",
	KindSlice:                   "slice",
	KindCall:                    "call",
	KindTypedParameter:          "typed_parameter",
	KindType:                    "type",
	KindSplatType:               "splat_type",
	KindGenericType:             "generic_type",
	KindUnionType:               "union_type",
	KindConstrainedType:         "constrained_type",
	KindMemberType:              "member_type",
	KindKeywordArgument:         "keyword_argument",
	KindList:                    "list",
	KindSet:                     "set",
	KindTuple:                   "tuple",
	KindDictionary:              "dictionary",
	KindPair:                    "pair",
	KindListComprehension:       "list_comprehension",
	KindDictionaryComprehension: "dictionary_comprehension",
	KindSetComprehension:        "set_comprehension",
	KindGeneratorExpression:     "generator_expression",
	KindParenthesizedExpression: "parenthesized_expression",
	KindForInClause:             "for_in_clause",
	KindIfClause:                "if_clause",
	KindConditionalExpression:   "conditional_expression",
	KindConcatenatedString:      "concatenated_string",
	KindString:                  "string",
	KindStringContent:           "string_content",
	KindInterpolation:           "interpolation",
	KindFormatSpecifier:         "format_specifier",
	KindAwait:                   "await",
	KindPositionalSeparator:     "positional_separator",
	KindKeywordSeparator:        "keyword_separator",
	KindAsPatternTarget:         "as_pattern_target",
	KindFormatExpression:        "format_expression",
}

// String is the grammar's name of the kind.
func (k Kind) String() string {
	if n, ok := kindNames[k]; ok {
		return n
	}
	if k == KindError {
		return "ERROR"
	}
	return "token"
}
