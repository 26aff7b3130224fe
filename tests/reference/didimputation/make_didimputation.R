# Reference results for the imputation estimator, made in R.
#
#   Rscript make_didimputation.R   (run it from this folder; under half a minute)
#
# Versions used: see SOURCE.md. Only the results are needed by the tests; R isn't.

suppressMessages(library(didimputation))
fixest::setFixest_nthreads(1); fixest::setFixest_estimation(fixef.tol = 3e-12, fixef.iter = 1e5); fixest::setFixest_notes(FALSE); data.table::setDTthreads(1)
shared <- Sys.getenv("SHARED", "../../../../shared")

exact <- function(v) {                   # 15 digits; nothing where R has NA
  if (!is.numeric(v)) return(v)
  s <- sprintf("%.15g", v)
  s[is.na(v)] <- ""
  s
}
write_exact <- function(d, file, quote = FALSE) {
  write.csv(as.data.frame(lapply(d, exact)), file, row.names = FALSE, quote = quote, na = "")
}
panel <- read.csv("../did/panel.csv")
mpdta <- with(read.csv(file.path(shared, "open-data/mpdta/mpdta.csv")),
              data.frame(unit = countyreal, period = year, cohort = first.treat, x1 = lpop, y = lemp, w = exp(lpop), council = countyreal %/% 1000))
data <- list(panel = panel, unbalanced = panel[panel$kept == 1, ], mpdta = mpdta, mpdta_no_never = mpdta[mpdta$cohort > 0, ])

model <- function(name, data, more = "", cluster = "unit") data.frame(model = name, data, more, cluster)
models <- rbind(
  model("panel", "panel"), model("panel_council", "panel", cluster = "council"),
  model("panel_weighted", "panel", ', wname = "w"'), model("panel_weighted_council", "panel", ', wname = "w"', "council"),
  model("panel_covariates", "panel", ", first_stage = ~ i(period, x1, ref = 1) + i(period, x2, ref = 1) | unit + period"),
  model("panel_time_varying", "panel", ", first_stage = ~ exposure | unit + period"),
  model("panel_groups", "panel", ", first_stage = ~ 0 | cohort + period"),
  model("unbalanced", "unbalanced"), model("unbalanced_council", "unbalanced", cluster = "council"),
  model("unbalanced_weighted", "unbalanced", ', wname = "w"'),
  model("unbalanced_covariates", "unbalanced", ", first_stage = ~ i(period, x1, ref = 1) + i(period, x2, ref = 1) | unit + period"),
  model("mpdta", "mpdta"), model("mpdta_council", "mpdta", cluster = "council"), model("mpdta_weighted", "mpdta", ', wname = "w"'),
  model("mpdta_covariate", "mpdta", ", first_stage = ~ i(period, x1, ref = 2003) | unit + period"),
  model("mpdta_no_never", "mpdta_no_never")
)
results <- NULL
models$call <- NA; models$without <- ""
for (k in seq_len(nrow(models))) {
  m <- models[k, ]
  base <- paste0('did_imputation(data = ', m$data, ', yname = "y", gname = "cohort", tname = "period", idname = "unit", cluster_var = "', m$cluster, '"', m$more)
  models$call[k] <- paste0(base, ")")
  asked <- c(overall = "", horizon = ", horizon = TRUE", pretrends = ", horizon = TRUE, pretrends = TRUE")
  for (what in names(asked)) {
    e <- tryCatch(suppressMessages(suppressWarnings(as.data.frame(eval(parse(text = paste0(base, asked[[what]], ")")), data)))), error = function(e) e)
    if (inherits(e, "error")) { models$without[k] <- paste0(models$without[k], what, ": ", gsub("\\s+", " ", conditionMessage(e)), " "); next }
    term <- e$term
    if (what == "pretrends") { e <- e[as.numeric(term) < 0, ]; term <- e$term }
    if (nrow(e) > 0) results <- rbind(results, data.frame(model = m$model, what, term, estimate = e$estimate, se = e$std.error))
  }
}
write_exact(results, "effects.csv")
write_exact(models, "models.csv", quote = TRUE)
cat(nrow(models), "models,", nrow(results), "effects\n")
print(models$without[nzchar(models$without)])
