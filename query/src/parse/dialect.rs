//! The dialect: what the parser underneath accepts beyond standard SQL.

use std::any::{Any, TypeId};

use sqlparser::{
    ast::{BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, UnaryOperator, Value},
    dialect::{Dialect, GenericDialect, Precedence},
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::Token,
};

/// Postgres-like SQL.
///
/// It answers to the type of [`GenericDialect`], which opens the parser's common grammar, but leaves out the
/// generic dialect's extensions that the planner would drop without a word (`PREWHERE`, `SETTINGS`,
/// `LIMIT BY`, optimizer hints, …): they are syntax errors here.
#[derive(Debug, Clone, Copy)]
pub(super) struct BygoneDialect;

/// Precedence of operators, as in Postgres.
mod binding {
    pub(super) const PERIOD: u8 = 150;
    pub(super) const CAST: u8 = 140;
    pub(super) const SUBSCRIPT: u8 = 130;
    pub(super) const SIGN: u8 = 120;
    pub(super) const AT_TIME_ZONE: u8 = 110;
    pub(super) const POWER: u8 = 100;
    pub(super) const MULTIPLY: u8 = 90;
    pub(super) const ADD: u8 = 80;
    /// `||`, `~`, `&`, `#`, `->` and all others that are not in this list.
    pub(super) const OTHER: u8 = 70;
    pub(super) const BETWEEN_IN_LIKE: u8 = 60;
    pub(super) const COMPARISON: u8 = 50;
    pub(super) const IS: u8 = 40;
    pub(super) const NOT: u8 = 30;
    pub(super) const AND: u8 = 20;
    pub(super) const OR: u8 = 10;
}

impl Dialect for BygoneDialect {
    fn dialect(&self) -> TypeId {
        GenericDialect {}.type_id()
    }

    /// A number with an exponent is a double: no decimal holds `1e300`. A sign binds tighter than `^`.
    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        let sign = match parser.peek_token_ref().token {
            Token::Minus => Some(UnaryOperator::Minus),
            Token::Plus => Some(UnaryOperator::Plus),
            _ => None,
        };
        if let Some(op) = sign {
            parser.advance_token();
            return Some(
                parser.parse_subexpr(binding::SIGN).map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }),
            );
        }
        // No column is called CASE: what goes wrong inside of one is said as it is.
        if matches!(&parser.peek_token_ref().token, Token::Word(word) if word.keyword == Keyword::CASE) {
            parser.advance_token();
            return Some(parser.parse_case_expr());
        }
        // Sets inside of sets; the parser knows those that GROUP BY begins with.
        if parser.parse_keywords(&[Keyword::GROUPING, Keyword::SETS]) {
            return Some(nested_sets(parser));
        }
        let Token::Number(digits, _) = &parser.peek_token_ref().token else { return None };
        if !digits.contains(['e', 'E']) {
            return None;
        }
        let digits = digits.replace('_', "");
        parser.advance_token();
        Some(Ok(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(Expr::value(Value::SingleQuotedString(digits))),
            data_type: DataType::Double(ExactNumberInfo::None),
            array: false,
            format: None,
        }))
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        Some(Ok(match parser.peek_token_ref().token {
            Token::Caret => binding::POWER,
            Token::LBracket => binding::SUBSCRIPT,
            Token::StringConcat
            | Token::Tilde
            | Token::TildeAsterisk
            | Token::ExclamationMarkTilde
            | Token::ExclamationMarkTildeAsterisk
            | Token::DoubleTilde
            | Token::DoubleTildeAsterisk
            | Token::ExclamationMarkDoubleTilde
            | Token::ExclamationMarkDoubleTildeAsterisk
            | Token::CaretAt
            | Token::Sharp
            | Token::ShiftLeft
            | Token::ShiftRight => binding::OTHER,
            _ => return None,
        }))
    }

    fn prec_value(&self, operator: Precedence) -> u8 {
        match operator {
            Precedence::Period => binding::PERIOD,
            Precedence::DoubleColon => binding::CAST,
            Precedence::AtTz => binding::AT_TIME_ZONE,
            Precedence::MulDivModOp => binding::MULTIPLY,
            Precedence::PlusMinus => binding::ADD,
            Precedence::Caret
            | Precedence::Xor
            | Precedence::Ampersand
            | Precedence::Pipe
            | Precedence::Colon
            | Precedence::PgOther => binding::OTHER,
            Precedence::Between | Precedence::Like => binding::BETWEEN_IN_LIKE,
            Precedence::Eq => binding::COMPARISON,
            Precedence::Is => binding::IS,
            Precedence::UnaryNot => binding::NOT,
            Precedence::And => binding::AND,
            Precedence::Or => binding::OR,
        }
    }

    /// `IS DISTINCT FROM` ends before `AND`; `^` is a power, `#` the exclusive or.
    fn parse_infix(
        &self,
        parser: &mut Parser<'_>,
        left: &Expr,
        precedence: u8,
    ) -> Option<Result<Expr, ParserError>> {
        let operator = match parser.peek_token().token {
            Token::Caret => BinaryOperator::PGExp,
            Token::Sharp => BinaryOperator::PGBitwiseXor,
            _ if parser.parse_keywords(&[Keyword::IS, Keyword::DISTINCT, Keyword::FROM]) => {
                let right = parser.parse_subexpr(precedence);
                let left = Box::new(left.clone());
                return Some(right.map(|right| Expr::IsDistinctFrom(left, Box::new(right))));
            }
            _ if parser.parse_keywords(&[Keyword::IS, Keyword::NOT, Keyword::DISTINCT, Keyword::FROM]) => {
                let right = parser.parse_subexpr(precedence);
                let left = Box::new(left.clone());
                return Some(right.map(|right| Expr::IsNotDistinctFrom(left, Box::new(right))));
            }
            _ => return None,
        };
        parser.advance_token();
        let left = Box::new(left.clone());
        Some(parser.parse_subexpr(precedence).map(|right| Expr::BinaryOp {
            left,
            op: operator,
            right: Box::new(right),
        }))
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"'
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('"')
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_' || c == '$'
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_table_versioning(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        true
    }

    fn supports_window_function_null_treatment_arg(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_rarrow_operator(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_parens_around_table_factor(&self) -> bool {
        true
    }

    fn supports_values_as_table_factor(&self) -> bool {
        true
    }

    fn supports_left_associative_joins_without_parens(&self) -> bool {
        true
    }

    fn supports_select_wildcard_except(&self) -> bool {
        true
    }

    fn supports_select_wildcard_exclude(&self) -> bool {
        true
    }

    fn supports_select_wildcard_replace(&self) -> bool {
        true
    }

    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn support_map_literal_syntax(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_try_convert(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_order_by_all(&self) -> bool {
        true
    }
}

/// What follows the words `GROUPING SETS`.
fn nested_sets(parser: &mut Parser<'_>) -> Result<Expr, ParserError> {
    parser.expect_token(&Token::LParen)?;
    let sets = parser.parse_comma_separated(|parser| {
        if !parser.consume_token(&Token::LParen) {
            return Ok(vec![parser.parse_expr()?]);
        }
        if parser.consume_token(&Token::RParen) {
            return Ok(Vec::new());
        }
        let set = parser.parse_comma_separated(Parser::parse_expr)?;
        parser.expect_token(&Token::RParen)?;
        Ok(set)
    })?;
    parser.expect_token(&Token::RParen)?;
    Ok(Expr::GroupingSets(sets))
}
