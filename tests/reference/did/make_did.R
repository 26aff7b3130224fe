# Reference results for group-time effects, made in R.
#
#   Rscript make_did.R             (run it from this folder; under half a minute)
#
# Versions used: see SOURCE.md. Only the results are needed by the tests; R isn't.
# mpdta is read where it lies (SHARED names the folder beside the checkout) and not copied.

suppressMessages(library(did))
data.table::setDTthreads(1)
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

# ---------------------------------------------------------------- the generated panel

# 300 units x 8 periods; cohorts 3, 4, 6, 7 and never (0); 12 councils of unequal size. Joining depends on
# x1, x2 and the council; the trend depends on x1 and x2; effects differ by cohort and grow with time.
make_panel <- function(n = 300, periods = 8) {
  set.seed(20264, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
  r4 <- function(x) round(x, 4)
  council <- sample(1:12, n, TRUE, prob = c(8, 7, 6, 5, 4, 4, 3, 3, 2, 2, 1.5, 1.5))
  x1 <- r4(rnorm(n, 0.1 * (council - 6), 1))
  x2 <- rbinom(n, 1, 0.4)
  w <- r4(0.3 + rgamma(n, 3, 4))
  place <- rnorm(12, 0, 0.5)
  score <- cbind(0, -0.3 + 0.4 * x1 + 0.3 * x2, -0.5 + 0.3 * x1, -0.6 + 0.5 * x2 + place[council], -0.8 - 0.2 * x1)
  cohort <- apply(score, 1, function(s) sample(c(0, 3, 4, 6, 7), 1, prob = exp(s)))
  own <- rnorm(n, 0, 1)
  shock <- matrix(rnorm(12 * periods, 0, 0.3), 12)
  d <- expand.grid(period = seq_len(periods), unit = seq_len(n))[, 2:1]
  i <- d$unit
  e <- d$period - cohort[i]
  joined <- cohort[i] > 0 & e >= 0
  effect <- ifelse(joined, 0.4 + 0.15 * e + 0.05 * (cohort[i] - 4), 0)
  mean <- 1 + own[i] + (0.1 + 0.08 * x1[i] + 0.1 * x2[i]) * d$period + shock[cbind(council[i], d$period)]
  d$cohort <- cohort[i]; d$council <- council[i]; d$x1 <- x1[i]; d$x2 <- x2[i]; d$w <- w[i]
  d$y <- r4(mean + effect + rnorm(nrow(d), 0, 0.7))
  d$exposure <- sample(c(30, 60, 90), nrow(d), TRUE, prob = c(.15, .25, .6))     # days at risk in the period
  d$count <- rpois(nrow(d), d$exposure / 90 * exp(0.2 + 0.3 * own[i] + 0.06 * d$period - 0.4 * joined))
  d$binary <- rbinom(nrow(d), 1, plogis(-0.6 + 0.5 * own[i] + 0.1 * d$period + 0.5 * joined))
  d$kept <- rbinom(nrow(d), 1, plogis(2.6 - 0.4 * x2[i] - 0.05 * d$period))      # 1: the row is in the unbalanced panel too
  d
}
if (!file.exists("panel.csv") || nzchar(Sys.getenv("REMAKE_PANEL"))) write_exact(make_panel(), "panel.csv")
panel <- read.csv("panel.csv")
data <- list(panel = panel, unbalanced = panel[panel$kept == 1, ])
mpdta <- read.csv(file.path(shared, "open-data/mpdta/mpdta.csv"))
data$mpdta <- with(mpdta, data.frame(unit = countyreal, period = year, cohort = first.treat, x1 = lpop, y = lemp))
data$mpdta$council <- data$mpdta$unit %/% 1000          # the state, first digits of the county code
data$mpdta$w <- exp(data$mpdta$x1)                      # population
data$mpdta_no_never <- data$mpdta[data$mpdta$cohort > 0, ]

# ---------------------------------------------------------------- specifications

spec <- function(name, data, control = "nevertreated", method = "dr", x = "~1", base = "varying", anticipation = 0,
                 weights = "", clusters = "", observed = "panel") {
  data.frame(spec = name, data, control, method, x, base, anticipation, weights, clusters, observed)
}
grid <- function(data, control, method, x, base, anticipation, ...) {
  g <- expand.grid(control = control, method = method, x = x, base = base, anticipation = anticipation, stringsAsFactors = FALSE)
  short <- c(nevertreated = "never", notyettreated = "notyet")
  name <- paste(data, short[g$control], g$method, ifelse(g$x == "~1", "plain", "cov"), g$base, paste0("a", g$anticipation), sep = "_")
  do.call(rbind, lapply(seq_len(nrow(g)), function(k)
    do.call(spec, c(list(name = name[k], data = data), as.list(g[k, ]), list(...)))))
}
both <- c("nevertreated", "notyettreated"); methods <- c("dr", "reg", "ipw"); bases <- c("varying", "universal")
specs <- rbind(
  grid("mpdta", both, methods, "~x1", bases, 0),
  grid("mpdta", both, "dr", "~1", bases, 0:1),
  grid("mpdta", both, "dr", "~x1", bases, 1),
  grid("panel", both, "dr", "~1", bases, 0:1),
  grid("panel", both, methods, "~x1+x2", bases, 0),
  grid("panel", both, "dr", "~x1+x2", bases, 1),
  spec("mpdta_weighted_plain", "mpdta", weights = "w"),
  spec("mpdta_weighted_cov_dr", "mpdta", x = "~x1", weights = "w", control = "notyettreated"),
  spec("mpdta_clustered_plain", "mpdta", clusters = "council"),
  spec("mpdta_clustered_cov_dr", "mpdta", x = "~x1", clusters = "council", base = "universal"),
  spec("mpdta_no_never_plain", "mpdta_no_never", control = "notyettreated"),
  spec("mpdta_no_never_cov_dr", "mpdta_no_never", control = "notyettreated", x = "~x1"),
  spec("panel_weighted_plain", "panel", weights = "w"),
  spec("panel_weighted_plain_notyet_universal", "panel", weights = "w", control = "notyettreated", base = "universal"),
  spec("panel_weighted_cov_dr", "panel", x = "~x1+x2", weights = "w", base = "universal"),
  spec("panel_weighted_cov_reg", "panel", x = "~x1+x2", weights = "w", method = "reg", base = "universal"),
  spec("panel_weighted_cov_ipw", "panel", x = "~x1+x2", weights = "w", method = "ipw", base = "universal"),
  spec("panel_weighted_cov_dr_notyet", "panel", x = "~x1+x2", weights = "w", control = "notyettreated", base = "universal"),
  spec("panel_clustered_plain", "panel", clusters = "council", base = "universal"),
  spec("panel_clustered_plain_notyet_varying", "panel", clusters = "council", control = "notyettreated"),
  spec("panel_clustered_cov_dr", "panel", x = "~x1+x2", clusters = "council", base = "universal"),
  spec("panel_clustered_weighted_cov_dr_notyet", "panel", x = "~x1+x2", clusters = "council", weights = "w", control = "notyettreated"),
  spec("unbalanced_full_plain", "unbalanced", base = "universal", observed = "full"),
  spec("unbalanced_full_cov_dr", "unbalanced", x = "~x1+x2", base = "universal", observed = "full"),
  spec("unbalanced_allowed_plain", "unbalanced", base = "universal", observed = "unbalanced"),
  spec("unbalanced_allowed_plain_notyet", "unbalanced", control = "notyettreated", base = "varying", observed = "unbalanced"),
  spec("unbalanced_allowed_plain_weighted", "unbalanced", weights = "w", base = "universal", observed = "unbalanced"),
  spec("unbalanced_allowed_plain_clustered", "unbalanced", clusters = "council", base = "universal", observed = "unbalanced"),
  spec("unbalanced_allowed_cov_dr", "unbalanced", x = "~x1+x2", base = "universal", observed = "unbalanced"),
  spec("unbalanced_allowed_cov_reg", "unbalanced", x = "~x1+x2", method = "reg", base = "universal", observed = "unbalanced"),
  spec("unbalanced_allowed_cov_ipw", "unbalanced", x = "~x1+x2", method = "ipw", base = "universal", observed = "unbalanced"),
  spec("panel_rcs_plain", "panel", base = "universal", observed = "rcs"),
  spec("unbalanced_rcs_plain", "unbalanced", base = "universal", observed = "rcs"),
  spec("unbalanced_rcs_plain_weighted_notyet", "unbalanced", weights = "w", control = "notyettreated", base = "varying", observed = "rcs"),
  spec("unbalanced_rcs_plain_clustered", "unbalanced", clusters = "council", base = "universal", observed = "rcs"),
  spec("unbalanced_rcs_cov_dr", "unbalanced", x = "~x1+x2", base = "universal", observed = "rcs"),
  spec("unbalanced_rcs_cov_reg", "unbalanced", x = "~x1+x2", method = "reg", base = "universal", observed = "rcs"),
  spec("unbalanced_rcs_cov_ipw", "unbalanced", x = "~x1+x2", method = "ipw", base = "universal", observed = "rcs"),
  spec("unbalanced_rcs_cov_dr_weighted", "unbalanced", x = "~x1+x2", weights = "w", base = "universal", observed = "rcs")
)
stored_elsewhere <- c("mpdta_never_dr_plain_varying_a0", "mpdta_notyet_dr_plain_varying_a0", "mpdta_never_reg_cov_varying_a0")
specs <- specs[!specs$spec %in% stored_elsewhere, ]

# ---------------------------------------------------------------- runs

call_of <- function(s) {
  text <- function(v) paste0('"', v, '"')
  parts <- c('yname = "y"', 'tname = "period"', 'gname = "cohort"', if (s$observed != "rcs") 'idname = "unit"',
             paste("xformla =", s$x), paste("control_group =", text(s$control)), paste("est_method =", text(s$method)),
             paste("base_period =", text(s$base)), paste("anticipation =", s$anticipation),
             if (nzchar(s$weights)) paste("weightsname =", text(s$weights)), if (nzchar(s$clusters)) paste("clustervars =", text(s$clusters)),
             if (s$observed == "rcs") "panel = FALSE", if (s$observed == "unbalanced") "allow_unbalanced_panel = TRUE",
             "bstrap = FALSE", "cband = FALSE")
  paste0("att_gt(", paste(parts, collapse = ", "), ", data = ", s$data, ")")
}
quietly <- function(code) {              # value and what was warned of
  said <- character()
  value <- withCallingHandlers(code, warning = function(w) { said <<- c(said, conditionMessage(w)); invokeRestart("muffleWarning") },
                               message = function(m) invokeRestart("muffleMessage"))
  list(value = value, said = unique(gsub("\\s+", " ", said)))
}
aggregates <- function(fit, name, balanced) {
  one <- function(type, balance_e = NA) {
    a <- tryCatch(quietly(aggte(fit, type = type, balance_e = if (is.na(balance_e)) NULL else balance_e, na.rm = TRUE,
                                bstrap = FALSE, cband = FALSE))$value, error = function(e) e)
    if (inherits(a, "error")) {          # no cohort is seen long enough: no row is stored
      if (is.na(balance_e) || !grepl("No event times", conditionMessage(a))) stop(a)
      return(NULL)
    }
    whole <- data.frame(spec = name, type, balance_e, egt = NA, att = a$overall.att, se = a$overall.se)
    if (type == "simple") return(whole)
    rbind(whole, data.frame(spec = name, type, balance_e, egt = a$egt, att = a$att.egt, se = a$se.egt))
  }
  plain <- rbind(one("simple"), one("dynamic"), one("group"), one("calendar"))
  if (balanced) rbind(plain, one("dynamic", 0), one("dynamic", 1), one("dynamic", 2)) else plain
}

cells <- summaries <- NULL
specs$call <- NA; specs$n <- NA; specs$pretest_w <- NA; specs$pretest_p <- NA; specs$warnings <- ""
for (k in seq_len(nrow(specs))) {
  s <- specs[k, ]
  specs$call[k] <- call_of(s)
  ran <- quietly(eval(parse(text = call_of(s)), data))
  fit <- ran$value
  specs$n[k] <- fit$n
  if (!is.null(fit$W)) { specs$pretest_w[k] <- fit$W; specs$pretest_p[k] <- fit$Wpval }
  specs$warnings[k] <- paste(ran$said, collapse = " | ")
  cells <- rbind(cells, data.frame(spec = s$spec, cohort = fit$group, period = fit$t, att = fit$att, se = fit$se))
  summaries <- rbind(summaries, aggregates(fit, s$spec, s$method == "dr"))
}
write_exact(cells, "att_gt.csv")
write_exact(summaries, "aggte.csv")
write_exact(specs, "specs.csv", quote = TRUE)

# covariance of the event-study estimates, from their influence functions
vcov_of <- function(name) {
  s <- specs[specs$spec == name, ]
  fit <- quietly(eval(parse(text = s$call), data))$value
  a <- quietly(aggte(fit, type = "dynamic", na.rm = TRUE, bstrap = FALSE, cband = FALSE))$value
  psi <- as.matrix(a$inf.function$dynamic.inf.func.e)
  if (nzchar(s$clusters)) psi_sum <- rowsum(psi, fit$DIDparams$cluster_vector) else psi_sum <- psi
  v <- crossprod(psi_sum) / nrow(psi)^2
  stopifnot(all.equal(sqrt(diag(v))[!is.na(a$se.egt)], a$se.egt[!is.na(a$se.egt)], check.attributes = FALSE))
  p <- expand.grid(row = seq_along(a$egt), column = seq_along(a$egt))
  data.frame(spec = name, event_row = a$egt[p$row], event_column = a$egt[p$column], covariance = v[cbind(p$row, p$column)])
}
write_exact(do.call(rbind, lapply(c("mpdta_notyet_dr_plain_universal_a0", "panel_never_dr_cov_universal_a0", "panel_clustered_plain"), vcov_of)),
            "event_covariance.csv")
cat(nrow(specs), "specifications,", nrow(cells), "cells,", nrow(summaries), "summaries\n")
