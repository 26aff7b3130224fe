# Reference results for two-way, event-study, Sun-Abraham, Poisson and logit models with absorbed effects, made in R.
#
#   Rscript make_fixest.R          (run it from this folder; under a minute)
#
# Versions used: see SOURCE.md. Only the results are needed by the tests; R isn't.
# The panel is ../did/panel.csv; mpdta is read where it lies (SHARED names the folder beside the checkout).

suppressMessages(library(fixest))
setFixest_nthreads(1)
setFixest_notes(FALSE)
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

# ---------------------------------------------------------------- data

prepare <- function(d, last) {           # columns made for the models; SOURCE.md says the same in words
  treated <- d$cohort > 0
  d$joined <- as.integer(treated & d$period >= d$cohort)
  d$treated <- as.integer(treated)
  d$event <- ifelse(treated, d$period - d$cohort, -1)
  d$event_binned <- pmax(pmin(d$event, 3), -4)
  d$cohort_sa <- ifelse(treated, d$cohort, 10000)
  d$cell <- ifelse(d$joined == 1, d$cohort * last + d$period, 0)       # one number per treated cohort and period; 0 elsewhere
  d$cell_all <- ifelse(treated & d$event != -1, d$cohort * last + d$period, 0)
  d
}
panel <- prepare(read.csv("../did/panel.csv"), 100)
mpdta <- read.csv(file.path(shared, "open-data/mpdta/mpdta.csv"))
mpdta <- with(mpdta, data.frame(unit = countyreal, period = year, cohort = first.treat, x1 = lpop, y = lemp, w = exp(lpop),
                                council = countyreal %/% 1000))
data <- list(panel = panel, unbalanced = panel[panel$kept == 1, ], mpdta = prepare(mpdta, 10000))

# ---------------------------------------------------------------- models

tight <- ", fixef.tol = 3e-12, fixef.iter = 1e5"
tight_glm <- ", fixef.tol = 3e-12, glm.tol = 3e-13, glm.iter = 200"
model <- function(name, fun, formula, data, more = "", variants = "usual") {
  data.frame(model = name, data, call = paste0(fun, "(", formula, ", data = ", data, more, if (fun == "feols") tight else tight_glm, ")"), variants)
}
twfe <- "| unit + period"; groups <- "| cohort + period"
models <- rbind(
  model("twfe", "feols", paste("y ~ joined", twfe), "panel", variants = "all"),
  model("twfe_weighted", "feols", paste("y ~ joined", twfe), "panel", ", weights = ~w", variants = "all"),
  model("twfe_unbalanced", "feols", paste("y ~ joined", twfe), "unbalanced", variants = "all"),
  model("twfe_unbalanced_weighted", "feols", paste("y ~ joined", twfe), "unbalanced", ", weights = ~w"),
  model("twfe_covariate", "feols", paste("y ~ joined + exposure + x1:period", twfe), "panel"),
  model("twfe_covariate_unbalanced_weighted", "feols", paste("y ~ joined + exposure + x1:period", twfe), "unbalanced", ", weights = ~w"),
  model("twfe_binary", "feols", paste("binary ~ joined", twfe), "panel"),
  model("twfe_council_effects", "feols", "y ~ joined + x1 + x2 | council + period", "panel", variants = "all"),
  model("twfe_council_by_period", "feols", "y ~ joined | unit + council^period", "panel"),
  model("twfe_council_trend", "feols", "y ~ joined | unit + period + council[period]", "panel"),
  model("twfe_mpdta", "feols", paste("y ~ joined", twfe), "mpdta", variants = "all"),
  model("twfe_mpdta_weighted", "feols", paste("y ~ joined", twfe), "mpdta", ", weights = ~w"),
  model("event", "feols", paste("y ~ i(event, treated, ref = -1)", twfe), "panel"),
  model("event_weighted", "feols", paste("y ~ i(event, treated, ref = -1)", twfe), "panel", ", weights = ~w"),
  model("event_unbalanced", "feols", paste("y ~ i(event, treated, ref = -1)", twfe), "unbalanced"),
  model("event_unbalanced_weighted", "feols", paste("y ~ i(event, treated, ref = -1)", twfe), "unbalanced", ", weights = ~w"),
  model("event_binned", "feols", paste("y ~ i(event_binned, treated, ref = -1)", twfe), "panel"),
  model("event_binned_unbalanced", "feols", paste("y ~ i(event_binned, treated, ref = -1)", twfe), "unbalanced"),
  model("event_ref_3", "feols", paste("y ~ i(event, treated, ref = -3)", twfe), "panel[panel$cohort > 3 | panel$cohort == 0, ]"),
  model("event_mpdta", "feols", paste("y ~ i(event, treated, ref = -1)", twfe), "mpdta"),
  model("saturated", "feols", paste("y ~ i(cell, ref = 0)", twfe), "panel"),
  model("saturated_weighted", "feols", paste("y ~ i(cell, ref = 0)", twfe), "panel", ", weights = ~w"),
  model("saturated_unbalanced", "feols", paste("y ~ i(cell, ref = 0)", twfe), "unbalanced"),
  model("saturated_leads", "feols", paste("y ~ i(cell_all, ref = 0)", twfe), "panel"),
  model("saturated_groups", "feols", paste("y ~ i(cell, ref = 0)", groups), "panel"),
  model("saturated_groups_unbalanced_weighted", "feols", paste("y ~ i(cell, ref = 0)", groups), "unbalanced", ", weights = ~w"),
  model("poisson", "fepois", paste("count ~ i(cell, ref = 0)", groups), "panel"),
  model("poisson_exposure", "fepois", paste("count ~ i(cell, ref = 0)", groups), "panel", ", offset = ~log(exposure)"),
  model("poisson_exposure_leads", "fepois", paste("count ~ i(cell_all, ref = 0)", groups), "panel", ", offset = ~log(exposure)"),
  model("poisson_exposure_weighted", "fepois", paste("count ~ i(cell, ref = 0)", groups), "panel", ", offset = ~log(exposure), weights = ~w"),
  model("poisson_exposure_unbalanced", "fepois", paste("count ~ i(cell, ref = 0)", groups), "unbalanced", ", offset = ~log(exposure)"),
  model("poisson_exposure_covariates", "fepois", paste("count ~ i(cell, ref = 0) + x1 + x2", groups), "panel", ", offset = ~log(exposure)"),
  model("poisson_joined", "fepois", paste("count ~ joined", groups), "panel", ", offset = ~log(exposure)"),
  model("poisson_unit_effects", "fepois", paste("count ~ joined", twfe), "panel", ", offset = ~log(exposure)"),
  model("logit", "feglm", paste("binary ~ i(cell, ref = 0)", groups), "panel", ", family = binomial()"),
  model("logit_leads", "feglm", paste("binary ~ i(cell_all, ref = 0)", groups), "panel", ", family = binomial()"),
  model("logit_weighted", "feglm", paste("binary ~ i(cell, ref = 0)", groups), "panel", ", family = binomial(), weights = ~w"),
  model("logit_unbalanced", "feglm", paste("binary ~ i(cell, ref = 0)", groups), "unbalanced", ", family = binomial()"),
  model("logit_covariates", "feglm", paste("binary ~ i(cell, ref = 0) + x1 + x2", groups), "panel", ", family = binomial()"),
  model("logit_joined", "feglm", paste("binary ~ joined", groups), "panel", ", family = binomial()")
)

# how the variance is made: name -> clusters and ssc(); CR1 in this folder is 'nonnested', fixest's own default convention
conventions <- list(
  nonnested = ssc(K.adj = TRUE, K.fixef = "nonnested", K.exact = FALSE, G.adj = TRUE, G.df = "min", t.df = "min"),
  none = ssc(K.adj = FALSE, G.adj = FALSE), groups_only = ssc(K.adj = FALSE, G.adj = TRUE),
  full = ssc(K.adj = TRUE, K.fixef = "full", G.adj = TRUE), no_effects = ssc(K.adj = TRUE, K.fixef = "none", G.adj = TRUE),
  conventional = ssc(K.adj = TRUE, K.fixef = "nonnested", G.adj = TRUE, G.df = "conventional", t.df = "conventional"))
convention_words <- c(
  nonnested = 'ssc(K.adj = TRUE, K.fixef = "nonnested", K.exact = FALSE, G.adj = TRUE, G.df = "min", t.df = "min")',
  none = "ssc(K.adj = FALSE, G.adj = FALSE)", groups_only = "ssc(K.adj = FALSE, G.adj = TRUE)",
  full = 'ssc(K.adj = TRUE, K.fixef = "full", G.adj = TRUE)', no_effects = 'ssc(K.adj = TRUE, K.fixef = "none", G.adj = TRUE)',
  conventional = 'ssc(K.adj = TRUE, K.fixef = "nonnested", G.adj = TRUE, G.df = "conventional", t.df = "conventional")')
variances <- list(iid = "iid", hetero = "hetero", unit = ~unit, council = ~council, "unit+council" = ~unit + council,
                  "council+period" = ~council + period)
asked <- function(variants) {
  if (variants == "usual") return(expand.grid(clusters = c("unit", "council"), convention = "nonnested", stringsAsFactors = FALSE))
  rbind(expand.grid(clusters = c("unit", "council"), convention = setdiff(names(conventions), "conventional"), stringsAsFactors = FALSE),
        expand.grid(clusters = c("unit+council", "council+period"), convention = c("nonnested", "conventional"), stringsAsFactors = FALSE),
        expand.grid(clusters = c("iid", "hetero"), convention = c("nonnested", "full"), stringsAsFactors = FALSE))
}
read_term <- function(term) {            # event::-3:treated -> -3; cell::605 -> 605; plain names stay
  sub("^cell(_all)?::", "", sub("^event(_binned)?::(-?[0-9]+):treated$", "\\2", sub("^period::", "", sub("^cohort::", "", term))))
}
said <- character()
quietly <- function(code) withCallingHandlers(code, warning = function(w) { said <<- c(said, conditionMessage(w)); invokeRestart("muffleWarning") })

table_of <- function(fit, name, clusters, convention) {
  s <- quietly(summary(fit, vcov = variances[[clusters]], ssc = conventions[[convention]]))
  ct <- s$coeftable
  data.frame(model = name, clusters, convention, term = read_term(rownames(ct)), estimate = ct[, 1], se = ct[, 2],
             t = ct[, 3], p = ct[, 4], df = degrees_freedom(s, type = "t"))
}
results <- facts <- tests <- covariances <- NULL
for (k in seq_len(nrow(models))) {
  m <- models[k, ]
  said <- character()
  fit <- quietly(eval(parse(text = m$call), data))
  a <- asked(m$variants)
  results <- rbind(results, do.call(rbind, lapply(seq_len(nrow(a)), function(j) table_of(fit, m$model, a$clusters[j], a$convention[j]))))
  facts <- rbind(facts, data.frame(model = m$model, data = m$data, n = fit$nobs, n_removed = fit$nobs_origin - fit$nobs,
                                   deviance = deviance(fit), log_likelihood = as.numeric(logLik(fit)), warnings = paste(unique(said), collapse = " | "), call = m$call))
  leads <- grep("^event(_binned)?::-", names(coef(fit)), value = TRUE)
  if (length(leads) > 0) for (clusters in c("unit", "council")) {
    w <- quietly(wald(fit, keep = "::-", print = FALSE, vcov = variances[[clusters]], ssc = conventions$nonnested))
    tests <- rbind(tests, data.frame(model = m$model, clusters, convention = "nonnested", tested = "all leads but the reference",
                                     f = w$stat, df1 = w$df1, df2 = w$df2, p = w$p))
  }
  if (m$model %in% c("event", "event_mpdta")) for (clusters in c("unit", "council")) {
    v <- vcov(fit, vcov = variances[[clusters]], ssc = conventions$nonnested)
    at <- expand.grid(row = seq_len(nrow(v)), column = seq_len(nrow(v)))
    covariances <- rbind(covariances, data.frame(model = m$model, clusters, term_row = read_term(rownames(v))[at$row],
                                                 term_column = read_term(rownames(v))[at$column], covariance = v[cbind(at$row, at$column)]))
  }
}

# ---------------------------------------------------------------- Sun and Abraham

sunab_models <- list(sunab = c("panel", ""), sunab_weighted = c("panel", ", weights = ~w"), sunab_unbalanced = c("unbalanced", ""),
                     sunab_unbalanced_weighted = c("unbalanced", ", weights = ~w"), sunab_mpdta = c("mpdta", ""))
for (name in names(sunab_models)) {
  of <- sunab_models[[name]]
  call <- paste0("feols(y ~ sunab(cohort_sa, period) | unit + period, data = ", of[1], of[2], tight, ")")
  fit <- eval(parse(text = call), data)
  facts <- rbind(facts, data.frame(model = name, data = of[1], n = fit$nobs, n_removed = fit$nobs_origin - fit$nobs, deviance = deviance(fit),
                                   log_likelihood = as.numeric(logLik(fit)), warnings = "", call = call))
  for (clusters in c("unit", "council")) for (agg in c("event", "att", "cohort", "cell")) {
    s <- summary(fit, agg = switch(agg, event = "period", att = "att", cohort = "cohort", cell = FALSE), vcov = variances[[clusters]],
                 ssc = conventions$nonnested)
    ct <- s$coeftable
    term <- rownames(ct)
    if (agg == "cell") term <- sub("^period::(-?[0-9]+):cohort::([0-9]+)$", "\\2:\\1", sub("_sa::", "::", term))
    term <- sub("^cohort(_sa)?::", "", sub("^period::", "", term))
    results <- rbind(results, data.frame(model = paste0(name, "_", agg), clusters, convention = "nonnested", term, estimate = ct[, 1], se = ct[, 2],
                                         t = ct[, 3], p = ct[, 4], df = degrees_freedom(s, type = "t")))
  }
}
write_exact(results, "coefficients.csv")
write_exact(tests, "lead_tests.csv")
write_exact(covariances, "event_covariance.csv")
write_exact(facts, "models.csv", quote = TRUE)
write_exact(data.frame(convention = names(convention_words), call = convention_words), "conventions.csv", quote = TRUE)
cat(nrow(facts), "models,", nrow(results), "coefficients\n")
