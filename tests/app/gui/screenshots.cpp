// Draws the window in its main states into PNG files, for the documentation and for looking at:
//
//     QT_QPA_PLATFORM=offscreen kinora_screenshots docs/screenshots [1|2] [details]
//
// The same bytes each time on the same machine: pictures come from a formula, no clock is shown.

#include "app/models/gallery_model.h"
#include "app/models/job_controller.h"
#include "app/models/request_document.h"
#include "app/panels/compose_panel.h"
#include "app/panels/gallery_panel.h"
#include "app/panels/viewer_panel.h"
#include "app/widgets/fold_section.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/theme.h"
#include "app/windows/help_dialogs.h"
#include "app/windows/main_window.h"
#include "app/windows/picture_actions.h"
#include "tests/app/gui/scripted_engine.h"

#include <QAction>
#include <QApplication>
#include <QDeadlineTimer>
#include <QDir>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QPixmap>
#include <QTemporaryDir>
#include <QThread>

#include <cstdio>
#include <functional>

using namespace kinora;
using namespace kinora::app;

namespace {

void waitUntil(const std::function<bool()>& done, int milliseconds = 20000) {
    const QDeadlineTimer deadline(milliseconds);
    while (!done() && !deadline.hasExpired()) {
        QApplication::processEvents();
        QThread::msleep(2);
    }
    if (!done()) qFatal("a state was not reached");
}

void settle() {
    const QDeadlineTimer deadline(400);
    while (!deadline.hasExpired()) {
        QApplication::processEvents();
        QThread::msleep(2);
    }
}

class Scene {
  public:
    Scene(Theme& theme, testing::Script script, const QSize& size)
        : m_engine(std::move(script)), m_library({{}, m_folder.path().toStdString()}),
          m_window(theme, context()) {
        m_window.resize(size);
        m_window.show();
        core::ModelEntry model;
        model.name = "starter-image";
        model.title = "Kinora starter";
        model.kind = "StableDiffusionPipeline";
        model.builtIn = true;
        model.sizeBytes = 84'000'000;
        model.defaults.steps = 24;
        model.defaults.sampler = "ddim";
        model.defaults.cfg = 5.0;
        model.defaults.guidanceRescale = 0.5;
        model.defaults.width = model.defaults.height = 128;
        m_window.document().setModels({model});
        settle();
    }

    MainWindow& window() { return m_window; }
    void generate(const std::string& prompt, int64_t seed, int64_t count = 1) {
        pipelines::ImageRequest request = m_window.document().request();
        request.prompt = prompt;
        request.seed = seed;
        request.count = count;
        m_window.document().setInitial(request);
        m_window.generate();
    }
    void waitIdle() {
        waitUntil([this] { return !m_window.jobs().busy(); });
    }

    ProgramContext context() {
        const std::filesystem::path folder = m_folder.path().toStdString();
        qputenv("HOME", m_folder.path().toLocal8Bit()); // so that no path of this machine is shown
        return {m_engine,
                m_library,
                "0.1.0",
                "",
                "kinora 0.1.0",
                {"cpu", "meta"},
                folder,
                folder / "Pictures/Kinora",
                2};
    }

  private:
    QTemporaryDir m_folder;
    testing::ScriptedEngine m_engine;
    core::ModelLibrary m_library;
    MainWindow m_window;
};

class Shooter {
  public:
    Shooter(Theme& theme, QString folder, int scale, bool details)
        : m_theme(theme), m_folder(std::move(folder)), m_scale(scale), m_details(details) {}

    void shootAll(bool dark) {
        m_theme.setChoice(dark ? ThemeChoice::Dark : ThemeChoice::Light);
        m_dark = dark;
        empty();
        result();
        running();
        error();
        narrow();
        if (m_details) details();
    }

  private:
    void shoot(Scene& scene, const QString& state) {
        settle();
        const QString name = QString("%1/%2-%3-%4x.png")
                                 .arg(m_folder, state, m_dark ? "dark" : "light")
                                 .arg(m_scale);
        if (!scene.window().grab().save(name)) qFatal("%s: not written", qUtf8Printable(name));
        std::printf("%s\n", qUtf8Printable(name));
    }

    void empty() {
        Scene scene(m_theme, {}, QSize(1360, 860));
        shoot(scene, "empty");
    }
    void result() {
        Scene scene(m_theme, {}, QSize(1360, 860));
        for (int seed = 3; seed < 12; ++seed) scene.generate("3d emoji of a red apple", seed * 7);
        scene.waitIdle();
        shoot(scene, "result");
    }
    void running() {
        testing::Script script;
        script.holdAtStep = 14;
        Scene scene(m_theme, script, QSize(1360, 860));
        scene.generate("3d emoji of a red apple", 21, 4);
        scene.generate("a blue bird on a branch in the morning, soft light", 5, 3);
        scene.generate("gradient emoji of a rocket", 9);
        waitUntil([&] {
            const Job* job = scene.window().jobs().active();
            return job != nullptr && job->step == 14;
        });
        shoot(scene, "running");
    }
    void error() {
        testing::Script script;
        script.fails = [](const std::string& prompt) { return prompt.starts_with("poster"); };
        Scene scene(m_theme, script, QSize(1360, 860));
        scene.generate("3d emoji of a red apple", 14);
        scene.generate("poster of a mountain village at night", 2);
        scene.waitIdle();
        pipelines::ImageRequest request = scene.window().document().request();
        request.width = 8192;
        request.height = 8192;
        scene.window().document().setInitial(request);
        shoot(scene, "error");
    }
    void save(QWidget& widget, const QString& state) {
        settle();
        const QString name = QString("%1/%2-%3-%4x.png")
                                 .arg(m_folder, state, m_dark ? "dark" : "light")
                                 .arg(m_scale);
        if (!widget.grab().save(name)) qFatal("%s: not written", qUtf8Printable(name));
    }
    // Not for the documentation: menus, dialogs and messages, to look at.
    void details() {
        Scene scene(m_theme, {}, QSize(1360, 860));
        MainWindow& window = scene.window();
        scene.generate("3d emoji of a red apple", 14);
        scene.waitIdle();
        window.pictureActions().useParameters->trigger();
        window.viewer().notice()->showNotice(
            NoticeTone::Error, "The picture is not saved. The disk is full: 12 KB are missing.",
            "Save as\u2026", [] {});
        window.document().setText(*pipelines::findImageParameter("background"), "white");
        for (FoldSection* fold : window.compose().findChildren<FoldSection*>()) fold->setOpen(true);
        if (QLineEdit* background = named<QLineEdit>(window, "Background")) {
            background->setText("sky");
            emit background->editingFinished();
        }
        shoot(scene, "notice");
        for (QAction* action : window.menuBar()->actions()) {
            action->menu()->popup(QPoint(0, 0));
            save(*action->menu(), "menu-" + action->text().remove('&').toLower());
            action->menu()->hide();
        }
        ShortcutsDialog shortcuts(*window.menuBar(), m_theme, &window);
        shortcuts.show();
        save(shortcuts, "shortcuts");
        AboutDialog about(scene.context(), m_theme, &window);
        about.show();
        save(about, "about");
    }
    template <typename Widget> static Widget* named(QWidget& parent, const QString& name) {
        for (Widget* widget : parent.findChildren<Widget*>())
            if (widget->accessibleName() == name) return widget;
        return nullptr;
    }
    void narrow() {
        testing::Script script;
        Scene scene(m_theme, script, QSize(1024, 700));
        scene.generate("3d emoji of a red apple", 33);
        scene.waitIdle();
        for (FoldSection* fold : scene.window().compose().findChildren<FoldSection*>())
            fold->setOpen(true);
        shoot(scene, "narrow");
    }

    Theme& m_theme;
    QString m_folder;
    int m_scale;
    bool m_dark = true;
    bool m_details;
};

} // namespace

int main(int argc, char** argv) {
    const QString folder = argc > 1 ? QString::fromLocal8Bit(argv[1]) : QString(".");
    const int scale = argc > 2 && argv[2][0] == '2' ? 2 : 1;
    qputenv("QT_SCALE_FACTOR", QByteArray::number(scale));
    QApplication application(argc, argv);
    QApplication::setCursorFlashTime(0);
    QApplication::setEffectEnabled(Qt::UI_AnimateMenu, false);
    if (!QDir().mkpath(folder)) return 1;
    Theme theme;
    theme.applyTo(application);
    Shooter shooter(theme, folder, scale, argc > 3);
    shooter.shootAll(true);
    shooter.shootAll(false);
    return 0;
}
