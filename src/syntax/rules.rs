//! The grammar as pest makes it, and what each rule is called when a person reads about it.

use pest_derive::Parser;

/// Reads a text by any rule of `grammar/`.
#[derive(Parser)]
#[grammar = "grammar/lex.pest"]
#[grammar = "grammar/expr.pest"]
#[grammar = "grammar/plan.pest"]
pub(super) struct PlanParser;

/// What a rule stands for in the words of a message; `None` when naming it would help nobody.
pub(super) fn in_words(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::EOI => "the end of the line",
        Rule::x_colon => "`:`",
        Rule::x_comma => "`,`",
        Rule::x_equals => "`=`",
        Rule::x_dots => "`..`",
        Rule::x_paren => "`)`",
        Rule::x_bracket => "`]`",
        Rule::x_brace => "`{`",
        Rule::x_brace_end => "`}`",
        Rule::name => "a name",
        Rule::quote_text
        | Rule::regex
        | Rule::number
        | Rule::expr
        | Rule::wide
        | Rule::term
        | Rule::list
        | Rule::map
        | Rule::paren => "a value",
        Rule::text | Rule::plain_text | Rule::block_text | Rule::raw_text => "a text",
        Rule::w_after => "`after`",
        Rule::w_allow => "`allow`",
        Rule::w_always => "`always`",
        Rule::w_all => "`all`",
        Rule::w_approve => "`approve`",
        Rule::w_ask | Rule::ask => "`ask`",
        Rule::w_atomic => "`atomic`",
        Rule::w_author | Rule::not_author => "`author`",
        Rule::w_backoff => "`backoff`",
        Rule::w_backup_of => "`backup_of`",
        Rule::w_checklist => "`checklist`",
        Rule::w_database => "`database`",
        Rule::w_do => "`do`",
        Rule::w_done => "`done`",
        Rule::w_else | Rule::otherwise => "`else`",
        Rule::w_env => "`env`",
        Rule::w_environment => "`environment`",
        Rule::w_escalate => "`escalate`",
        Rule::w_every | Rule::every => "`every`",
        Rule::w_except | Rule::except => "`except`",
        Rule::w_expires => "`expires`",
        Rule::w_failure => "`failure`",
        Rule::w_for | Rule::hold | Rule::each => "`for`",
        Rule::w_gate => "`gate`",
        Rule::w_host => "`host`",
        Rule::w_idempotent => "`idempotent`",
        Rule::w_in => "`in`",
        Rule::w_irreversible => "`irreversible`",
        Rule::w_let => "`let`",
        Rule::w_misses | Rule::misses => "`misses`",
        Rule::w_not => "`not`",
        Rule::w_nothing => "`nothing`",
        Rule::w_of => "`of`",
        Rule::w_on | Rule::days => "`on`",
        Rule::w_only => "`only`",
        Rule::w_optional => "`optional`",
        Rule::w_or => "`or`",
        Rule::w_param => "`param`",
        Rule::w_plan => "`plan`",
        Rule::w_rehearsed => "`rehearsed`",
        Rule::w_remember => "`remember`",
        Rule::w_repo => "`repo`",
        Rule::w_require => "`require`",
        Rule::w_retry => "`retry`",
        Rule::w_secret => "`secret`",
        Rule::w_service => "`service`",
        Rule::w_show => "`show`",
        Rule::w_step => "`step`",
        Rule::w_stop | Rule::stop => "`stop`",
        Rule::w_then => "`then`",
        Rule::w_timeout => "`timeout`",
        Rule::w_to => "`to`",
        Rule::w_unattended => "`unattended`",
        Rule::w_undo => "`undo`",
        Rule::w_verify => "`verify`",
        Rule::w_when => "`when`",
        Rule::w_window => "`window`",
        Rule::w_within | Rule::within => "`within`",
        Rule::operator | Rule::logic => "an operator",
        Rule::arg => "an argument",
        Rule::label => "`name:`",
        Rule::pair => "`key: value`",
        Rule::map_key => "a key",
        Rule::type_expr => "a type",
        Rule::optional_mark => "`?`",
        Rule::check => "a check",
        Rule::file | Rule::plan | Rule::plan_head => "a plan",
        Rule::item
        | Rule::node
        | Rule::param
        | Rule::secret
        | Rule::let_value
        | Rule::resource
        | Rule::environment
        | Rule::hook
        | Rule::allow => "a step, a gate or another item of a plan",
        Rule::node_head | Rule::resource_head | Rule::environment_head | Rule::hook_head => {
            "`{` after the head of a block"
        }
        Rule::entry => "`name = value`",
        Rule::after
        | Rule::only_in
        | Rule::when
        | Rule::require
        | Rule::remember
        | Rule::verify
        | Rule::verify_undo
        | Rule::undo_nothing
        | Rule::irreversible
        | Rule::done_when
        | Rule::idempotent
        | Rule::atomic
        | Rule::optional
        | Rule::always
        | Rule::retry
        | Rule::timeout
        | Rule::on_host
        | Rule::env_vars
        | Rule::in_dir
        | Rule::on_failure
        | Rule::unattended
        | Rule::backup_of
        | Rule::show
        | Rule::window
        | Rule::checklist
        | Rule::approve
        | Rule::expires
        | Rule::rehearsed => "a clause",
        Rule::do_action | Rule::undo | Rule::alternative => "an action",
        Rule::env_map => "`{`",
        Rule::env_pair => "`KEY = value`",
        Rule::undo_all => "`undo all`",
        Rule::undo_some => "`undo` and names",
        Rule::day => "a day",
        Rule::escalate => "`escalate to`",
        Rule::names => "names",
        Rule::nl
        | Rule::tail
        | Rule::plain_run
        | Rule::block_run
        | Rule::raw_run
        | Rule::quote_run
        | Rule::regex_run
        | Rule::prefix
        | Rule::field
        | Rule::index
        | Rule::args
        | Rule::head_only
        | Rule::item_only
        | Rule::clause_only
        | Rule::entry_only
        | Rule::env_line_only
        | Rule::WHITESPACE
        | Rule::blanks
        | Rule::gap
        | Rule::bom
        | Rule::name_start
        | Rule::name_more
        | Rule::wb
        | Rule::escape
        | Rule::operand
        | Rule::wide_operand
        | Rule::postfix
        | Rule::primary
        | Rule::infix
        | Rule::compare
        | Rule::in_word
        | Rule::and_or
        | Rule::clauses
        | Rule::clause
        | Rule::goes_on
        | Rule::colon
        | Rule::comma
        | Rule::equals
        | Rule::dots
        | Rule::paren_end
        | Rule::bracket_end
        | Rule::brace
        | Rule::brace_end => return None,
    })
}
