#include "core/project/project_autosave.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

using namespace kinora;
using namespace kinora::core;

class ProjectAutosaveTest : public QObject {
    Q_OBJECT

  private slots:
    void pathsAreNamedAfterTheProject() {
        const ProjectPaths paths = projectPaths("/a/foxes.v2.kinora");
        QCOMPARE(paths.assets.string(), std::string("/a/foxes.v2.assets"));
        QCOMPARE(paths.history.string(), std::string("/a/foxes.v2.history"));
        QCOMPARE(paths.results.string(), std::string("/a/foxes.v2.results"));
        QCOMPARE(paths.autosave.string(), std::string("/a/foxes.v2.kinora.autosave"));
    }

    void whatWasNotSavedIsOfferedUntilItIsDiscarded() {
        const test::TemporaryFolder folder;
        const ProjectPaths paths = projectPaths(folder.path() / "p.kinora");
        ProjectDocument project;
        QVERIFY(project.save(paths.project, ProjectDocument::Overwrite::No));
        QVERIFY(!recoverableProject(paths));
        QVERIFY(writeAutosave(paths, project));
        QVERIFY(!recoverableProject(paths)); // the same
        QVERIFY(project.setSetting("steps", "12"));
        QVERIFY(writeAutosave(paths, project));
        const auto kept = recoverableProject(paths);
        QVERIFY(kept);
        QCOMPARE(kept->project.text(), project.text());
        QVERIFY(kept->savedAt >
                std::filesystem::file_time_type::clock::now() - std::chrono::minutes(5));
        discardAutosave(paths);
        QVERIFY(!recoverableProject(paths));
        QVERIFY(!std::filesystem::exists(paths.autosave));
        discardAutosave(paths); // none is there: no harm
    }

    void damagedOnesAreNotOffered() {
        const test::TemporaryFolder folder;
        const ProjectPaths paths = projectPaths(folder.path() / "p.kinora");
        folder.write("p.kinora.autosave", "{\"format\":");
        QVERIFY(!recoverableProject(paths));
        // The project itself is lost: what was kept is all there is.
        QVERIFY(writeAutosave(paths, ProjectDocument()));
        QVERIFY(recoverableProject(paths));
    }
};

QTEST_GUILESS_MAIN(ProjectAutosaveTest)
#include "project_autosave_test.moc"
