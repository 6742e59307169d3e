//! `T01xx`: templates.

crate::diag::codes! {
    NO_TEMPLATE = "T0101" "no_template" "There is no such template"
        "A template is named as `plan template list` shows it, or by the path of a file that ends in `.plan.hbs`. Those of \
         the project lie in `plans/templates` of the nearest folder upwards that has one.";
    BAD_TEMPLATE = "T0102" "bad_template" "A template cannot be used"
        "It needs a front matter in TOML between two lines of `---`, and Handlebars without includes, at most 32 blocks deep \
         and 256 KiB long. `\\{{name}}` in it stays `{{name}}` in the plan.";
    BAD_PARAMETER = "T0103" "bad_parameter" "The values for a template are not right"
        "Every parameter without a default must be given with `--set name=value`. Every missing, unknown or wrongly typed one \
         is listed at once.";
}
