import java.io.FileInputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.LogManager;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;
import org.verapdf.pdfa.validation.profiles.Profiles;
import org.verapdf.pdfa.validation.profiles.ValidationProfile;

/** PASS or FAIL of each file by each profile of veraPDF, with the clauses that it breaks: java Verify.java ua1,2a FILE... */
public class Verify {
    static final Map<String, String> PROFILES = Map.of("ua1", "PDFUA-1.xml", "2a", "PDFA-2A.xml");

    public static void main(String[] arguments) throws Exception {
        LogManager.getLogManager().reset();
        VeraGreenfieldFoundryProvider.initialise();
        List<String> files = Arrays.asList(arguments).subList(1, arguments.length);
        boolean passed = !files.isEmpty();
        for (String flavour : arguments[0].split(",")) {
            String where = "org/verapdf/pdfa/validation/" + PROFILES.get(flavour);
            ValidationProfile profile = Profiles.profileFromXml(Verify.class.getClassLoader().getResourceAsStream(where));
            for (String file : files) {
                passed &= passes(file, flavour, profile);
            }
        }
        System.exit(passed ? 0 : 1);
    }

    static boolean passes(String file, String flavour, ValidationProfile profile) throws Exception {
        try (PDFAParser parser = Foundries.defaultInstance().createParser(new FileInputStream(file), PDFAFlavour.byFlavourId(flavour))) {
            ValidationResult result = Foundries.defaultInstance().createValidator(profile, false).validate(parser);
            System.out.printf("%s %s %s (%,d checks)%n", result.isCompliant() ? "PASS" : "FAIL", flavour, file, result.getTotalAssertions());
            Map<String, Integer> broken = new LinkedHashMap<>();
            for (TestAssertion one : result.getTestAssertions()) {
                if (one.getStatus() == TestAssertion.Status.FAILED) {
                    broken.merge(one.getRuleId().getClause() + "-" + one.getRuleId().getTestNumber() + " " + one.getMessage(), 1, Integer::sum);
                }
            }
            broken.forEach((rule, times) -> System.out.println("    " + times + " x " + rule));
            return result.isCompliant();
        }
    }
}
