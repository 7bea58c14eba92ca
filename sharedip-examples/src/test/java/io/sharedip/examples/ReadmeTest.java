package io.sharedip.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the documents say is true: the examples compile and run, and every link leads somewhere. */
class ReadmeTest {

    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    @ParameterizedTest
    @CsvSource({"README.md, Embed, RUNNING 5000", "docs/nat.md, Translate, RUNNING"})
    void the_example_compiles_and_runs_as_it_stands(String document, String type, String output, @TempDir Path classes)
            throws Exception {
        Matcher example =
                Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(ROOT.resolve(document)));
        assertThat(example.find()).as("a Java example in " + document).isTrue();
        assertThat(compile(type, example.group(1), classes)).as("compiles").isTrue();

        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream before = System.out;
        InputStream input = System.in;
        try (URLClassLoader loader = new URLClassLoader(
                new URL[] {classes.toUri().toURL()}, getClass().getClassLoader())) {
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            System.setIn(InputStream.nullInputStream());
            loader.loadClass(type).getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        } finally {
            System.setOut(before);
            System.setIn(input);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8)).startsWith(output);
    }

    private static boolean compile(String type, String code, Path classes) {
        JavaFileObject source =
                new SimpleJavaFileObject(URI.create("string:///" + type + ".java"), JavaFileObject.Kind.SOURCE) {
                    @Override
                    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                        return code;
                    }
                };
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        return compiler.getTask(
                        null,
                        null,
                        null,
                        List.of(
                                "-d",
                                classes.toString(),
                                "-proc:none",
                                "-classpath",
                                System.getProperty("java.class.path")),
                        null,
                        List.of(source))
                .call();
    }

    @Test
    void every_relative_link_of_the_documents_leads_to_a_file_and_a_heading_in_it() throws Exception {
        try (Stream<Path> docs = Stream.concat(Files.list(ROOT), Files.list(ROOT.resolve("docs")))) {
            for (Path doc : docs.filter(f -> f.toString().endsWith(".md")).toList()) {
                Matcher link = Pattern.compile("]\\((?!https?:)([^)#]*)(?:#([^)]+))?\\)")
                        .matcher(Files.readString(doc));
                while (link.find()) {
                    Path target = link.group(1).isEmpty() ? doc : doc.resolveSibling(link.group(1));
                    assertThat(target).as("link in " + doc.getFileName()).exists();
                    if (link.group(2) != null) {
                        assertThat(anchors(target))
                                .as("link in " + doc.getFileName())
                                .contains(link.group(2));
                    }
                }
            }
        }
    }

    /** The headings as their anchors: lower case, hyphens for blanks, nothing but words. */
    private static List<String> anchors(Path document) throws Exception {
        return Pattern.compile("^#+ (.*)$", Pattern.MULTILINE)
                .matcher(Files.readString(document))
                .results()
                .map(heading -> heading.group(1)
                        .strip()
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\w\\- ]", "")
                        .replace(' ', '-'))
                .toList();
    }
}
